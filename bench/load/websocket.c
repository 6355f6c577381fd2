#include "websocket.h"

#include <stdint.h>
#include <string.h>

/* Not zero: some servers skip the unmasking of a zero key, and no browser sends one. */
static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

static void apply_mask(char *out, const char *in, size_t length, const unsigned char mask[4])
{
    for (size_t i = 0; i < length; i++)
        out[i] = (char)(in[i] ^ mask[i & 3]);
}

static uint64_t big_endian(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool is_expected(unsigned char first)
{
    bool whole = (first & 0xf0) == 0x80; /* FIN, and no extension's bit */
    unsigned opcode = first & 0x0f;
    return whole && (opcode == WS_TEXT || (opcode >= WS_CLOSE && opcode <= WS_PONG));
}

ssize_t ws_parse(char *data, size_t available, struct frame *frame)
{
    const unsigned char *bytes = (const unsigned char *)data;
    if (available < 2)
        return 0;
    if (!is_expected(bytes[0]))
        return -1;
    bool masked = bytes[1] & 0x80;
    uint64_t length = bytes[1] & 0x7f;
    int length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    size_t header = 2 + (size_t)length_bytes + (masked ? 4 : 0);
    if (available < header)
        return 0;
    if (length_bytes)
        length = big_endian(bytes + 2, length_bytes);
    if (available - header < length)
        return 0;
    frame->opcode = bytes[0] & 0x0f;
    frame->payload = data + header;
    frame->length = length;
    if (masked)
        apply_mask(frame->payload, frame->payload, length, bytes + header - 4);
    return (ssize_t)(header + length);
}

static size_t write_length(unsigned char *out, size_t length)
{
    int bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
    out[0] = (unsigned char)(bytes == 0 ? length : bytes == 2 ? 126 : 127);
    for (int i = 0; i < bytes; i++)
        out[1 + i] = (unsigned char)(length >> 8 * (bytes - 1 - i));
    return 1 + (size_t)bytes;
}

size_t ws_write(char *out, enum opcode opcode, const char *payload, size_t length, bool mask)
{
    unsigned char *bytes = (unsigned char *)out;
    bytes[0] = (unsigned char)(0x80 | opcode);
    size_t at = 1 + write_length(bytes + 1, length);
    if (!mask) {
        memcpy(out + at, payload, length);
        return at + length;
    }
    bytes[1] |= 0x80;
    memcpy(out + at, MASK, sizeof MASK);
    at += sizeof MASK;
    apply_mask(out + at, payload, length, MASK);
    return at + length;
}
