/* WebSocket frames (RFC 6455 §5), without any I/O. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum opcode { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* The longest header: 2 bytes, 8 of length, 4 of mask. */
#define WS_MAX_HEADER 14

/* The example of RFC 6455 §1.3: a fixed key has a known answer, so neither side needs SHA-1. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct frame {
    enum opcode opcode;
    char *payload; /* in the buffer that was parsed */
    size_t length;
};

/* Parses one frame in place; a masked one is unmasked where it lies.
 * Returns the bytes it took, 0 when it is incomplete, -1 when it is none that we expect:
 * fragments, extensions and binary frames aren't. */
ssize_t ws_parse(char *data, size_t available, struct frame *frame);

/* Writes a whole frame; `out` has room for WS_MAX_HEADER more bytes than the payload. Clients must
 * mask (§5.1). Returns the frame's length. */
size_t ws_write(char *out, enum opcode opcode, const char *payload, size_t length, bool mask);

#endif
