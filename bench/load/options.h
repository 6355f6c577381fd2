/* What the command line asks for; main.c has the defaults and says what each is. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdnoreturn.h>
#include <sys/types.h>

struct protocol;

enum { MAX_PROCESSES = 8 };

struct options {
    const char *scenario;
    const struct protocol *protocol;
    int ports[MAX_PROCESSES]; /* of the processes that are the server */
    int port_count;
    pid_t server_pids[MAX_PROCESSES]; /* 0: its CPU and memory aren't looked at */
    pid_t redis_pid;                  /* as well */

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
