#include "protocol.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool begins(const char *text, size_t length, const char *prefix)
{
    size_t needed = strlen(prefix);
    return length >= needed && memcmp(text, prefix, needed) == 0;
}

uint64_t number_at(const char *text, size_t length, size_t at)
{
    uint64_t number = 0;
    for (; at < length && isdigit((unsigned char)text[at]); at++)
        number = number * 10 + (uint64_t)(text[at] - '0');
    return number;
}

bool says_ok(const char *text, size_t length)
{
    static const char ok[] = "\"ok\":true";
    return memmem(text, length, ok, sizeof ok - 1) != NULL;
}

/* Socket.IO 5 over Engine.IO 4, in the namespace /circles. */

#define EVENT "42/circles,"
#define ACK "43/circles,"

static size_t socketio_enter(char *out, const char *token)
{
    if (!token)
        return (size_t)sprintf(out, "40/circles,");
    return (size_t)sprintf(out, "40/circles,{\"token\":\"%s\"}", token);
}

static size_t recovering_enter(char *out, const char *token)
{
    return (size_t)sprintf(out, "40/circles,{\"token\":\"%s\",\"recover\":true}",
                           token ? token : "");
}

static size_t socketio_join(char *out, const char *channel, uint64_t ack)
{
    return (size_t)sprintf(out, EVENT "%llu[\"join\",{\"channel\":\"%s\"}]",
                           (unsigned long long)ack, channel);
}

static size_t socketio_publish(char *out, const char *channel, const char *content, uint64_t ack)
{
    char number[24] = "";
    if (ack != NO_ACK)
        sprintf(number, "%llu", (unsigned long long)ack);
    return (size_t)sprintf(
        out, EVENT "%s[\"user_message\",{\"channel\":\"%s\",\"data\":{\"content\":\"%s\"}}]",
        number, channel, content);
}

static enum meaning socketio_read(const char *text, size_t length, uint64_t *ack)
{
    if (begins(text, length, EVENT "[\"user_message\","))
        return MEANS_DELIVERY;
    if (begins(text, length, ACK)) {
        *ack = number_at(text, length, strlen(ACK));
        return says_ok(text, length) ? MEANS_ACK : MEANS_ERROR;
    }
    if (length == 1 && *text == '2')
        return MEANS_PING;
    if (begins(text, length, "0{"))
        return MEANS_OPENED;
    if (begins(text, length, "40/circles,"))
        return MEANS_ENTERED;
    if (begins(text, length, "44") || begins(text, length, EVENT "[\"error\","))
        return MEANS_ERROR;
    if (begins(text, length, "41") || (length == 1 && *text == '1'))
        return MEANS_GOODBYE;
    return MEANS_NOTHING;
}

const struct protocol socketio = {
    .name = "socketio",
    .path = "/socket.io/?EIO=4&transport=websocket",
    .enters = true,
    .enter = socketio_enter,
    .join = socketio_join,
    .publish = socketio_publish,
    .read = socketio_read,
};

/* For connections that can be restored: each event has one more argument. */
const struct protocol recovering = {
    .name = "recovering",
    .path = "/socket.io/?EIO=4&transport=websocket",
    .enters = true,
    .enter = recovering_enter,
    .join = socketio_join,
    .publish = socketio_publish,
    .read = socketio_read,
};

/* The same as bare JSON objects: a request with an `id` is acked. */

#define PLAIN_ACK "{\"type\":\"ack\",\"id\":"

static size_t plain_join(char *out, const char *channel, uint64_t ack)
{
    return (size_t)sprintf(out, "{\"type\":\"join\",\"id\":%llu,\"channel\":\"%s\"}",
                           (unsigned long long)ack, channel);
}

static size_t plain_publish(char *out, const char *channel, const char *content, uint64_t ack)
{
    char id[32] = "";
    if (ack != NO_ACK)
        sprintf(id, "\"id\":%llu,", (unsigned long long)ack);
    return (size_t)sprintf(
        out, "{\"type\":\"user_message\",%s\"channel\":\"%s\",\"data\":{\"content\":\"%s\"}}", id,
        channel, content);
}

static enum meaning plain_read(const char *text, size_t length, uint64_t *ack)
{
    if (begins(text, length, "{\"type\":\"user_message\","))
        return MEANS_DELIVERY;
    if (begins(text, length, PLAIN_ACK)) {
        *ack = number_at(text, length, strlen(PLAIN_ACK));
        return says_ok(text, length) ? MEANS_ACK : MEANS_ERROR;
    }
    return MEANS_ERROR;
}

const struct protocol plain = {
    .name = "plain",
    .path = "/ws",
    .join = plain_join,
    .publish = plain_publish,
    .read = plain_read,
};
