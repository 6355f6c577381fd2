/* What the command line asks for; main.c has the defaults and says what each is. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdnoreturn.h>
#include <sys/types.h>

struct protocol;

struct options {
    const char *scenario;
    const struct protocol *protocol;
    int port;
    pid_t server_pid; /* 0: the server's CPU and memory aren't looked at */

    int connections;
    int rooms; /* the connections are spread over them evenly */
    int outstanding;
    double rate;
    double seconds;
    double warmup_seconds;
    int content_bytes;

    char **tokens; /* one for each connection, taken in turn */
    int token_count;
};

/* Ends the program with a line on stderr. */
noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
