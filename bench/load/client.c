#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void bytes_append(struct bytes *bytes, const char *data, size_t length)
{
    if (bytes->length + length > bytes->capacity) {
        bytes->capacity = 2 * (bytes->length + length);
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            die("out of memory");
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

void client_watch(struct swarm *swarm, struct client *client, int operation, bool to_write)
{
    struct epoll_event event = {.events = EPOLLIN | (to_write ? EPOLLOUT : 0),
                                .data.ptr = client};
    client->waits_to_write = to_write;
    if (epoll_ctl(swarm->epoll, operation, client->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

void client_drop(struct swarm *swarm, struct client *client)
{
    if (client->step != READY)
        die("the server closed connection %d of %d before it was ready", swarm->ready + 1,
            swarm->count);
    swarm->dropped++;
    client_close(swarm, client);
}

/* Returns how much the socket took. Errors show when the socket is read. */
static size_t try_send(struct client *client, const char *data, size_t length)
{
    ssize_t sent = send(client->fd, data, length, MSG_NOSIGNAL);
    return sent < 0 ? 0 : (size_t)sent;
}

void client_write(struct swarm *swarm, struct client *client, const char *data, size_t length)
{
    size_t sent = client->unsent.length ? 0 : try_send(client, data, length);
    if (sent == length)
        return;
    bytes_append(&client->unsent, data + sent, length - sent);
    if (!client->waits_to_write)
        client_watch(swarm, client, EPOLL_CTL_MOD, true);
}

void client_flush(struct swarm *swarm, struct client *client)
{
    struct bytes *unsent = &client->unsent;
    size_t sent = try_send(client, unsent->data, unsent->length);
    memmove(unsent->data, unsent->data + sent, unsent->length - sent);
    unsent->length -= sent;
    if (!unsent->length)
        client_watch(swarm, client, EPOLL_CTL_MOD, false);
}

void client_write_frame(struct swarm *swarm, struct client *client, enum opcode opcode,
                        const char *payload, size_t length)
{
    char frame[MAX_TEXT + WS_MAX_HEADER];
    client_write(swarm, client, frame, ws_write(frame, opcode, payload, length, true));
}

const char *client_channel(const struct client *client)
{
    static char name[32];
    snprintf(name, sizeof name, "bench-%u", client->room);
    return name;
}

void client_publish(struct swarm *swarm, struct client *client, uint64_t sequence, bool wants_ack)
{
    size_t length = (size_t)swarm->options->content_bytes;
    char content[MAX_CONTENT + 1], text[MAX_TEXT];
    client->asked_at = clock_ns();
    struct stamp stamp = {.sequence = sequence, .room = client->room, .sent_at = client->asked_at};
    stamp_write(content, length, &stamp);
    content[length] = '\0';
    uint64_t ack = wants_ack ? ++client->last_ack : NO_ACK;
    length = swarm->options->protocol->publish(text, client_channel(client), content, ack);
    client_write_frame(swarm, client, WS_TEXT, text, length);
}

void client_close(struct swarm *swarm, struct client *client)
{
    (void)swarm; /* epoll forgets a closed socket by itself */
    close(client->fd);
    free(client->carry.data);
    free(client->unsent.data);
    client->carry = client->unsent = (struct bytes){0};
    client->step = CLOSED;
}
