/* What is said over the WebSocket, in two languages: Socket.IO (with and without recovery) and plain
   JSON. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a text of the server means to us. */
enum meaning {
    MEANS_NOTHING, /* an event that no scenario asks for, such as connection_ack */
    MEANS_PING,
    MEANS_OPENED,  /* Engine.IO: we may connect to the namespace */
    MEANS_ENTERED, /* Socket.IO: we are in the namespace */
    MEANS_ACK,     /* a success, of the request `ack` */
    MEANS_DELIVERY,
    MEANS_GOODBYE,
    MEANS_ERROR,
};

struct protocol {
    const char *name;
    const char *path;
    bool enters; /* whether it takes OPENED and ENTERED before the first request */

    /* Each writes a text into `out` and returns its length. */
    size_t (*enter)(char *out, const char *token);
    size_t (*join)(char *out, const char *channel, uint64_t ack);
    size_t (*publish)(char *out, const char *channel, const char *content, uint64_t ack);

    enum meaning (*read)(const char *text, size_t length, uint64_t *ack);
};

/* Instead of an ack's number: none is wanted. */
#define NO_ACK UINT64_MAX

/* The content of a message is at most so long, and a text with it (or with a token) twice that. */
#define MAX_CONTENT 8192
#define MAX_TEXT (2 * MAX_CONTENT)

extern const struct protocol socketio, recovering, plain;

/* For both: literals and numbers at the begin of a text. */
bool begins(const char *text, size_t length, const char *prefix);
uint64_t number_at(const char *text, size_t length, size_t at);
bool says_ok(const char *text, size_t length);

#endif
