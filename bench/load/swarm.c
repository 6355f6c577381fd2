#include "swarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "client.h"
#include "handshake.h"

enum { MAX_EVENTS = 1024, OPEN_SECONDS = 180 };

/* One for all connections: a read takes all that a socket has, and is parsed before the next. */
static char read_buffer[512 * 1024];

int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void allow_files(int count)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)count + 64;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return;
    if (limit.rlim_max < needed)
        limit.rlim_max = needed; /* which takes root */
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("%d connections need a higher limit of open files: ulimit -n", count);
}

void swarm_init(struct swarm *swarm, const struct options *options, int count)
{
    *swarm = (struct swarm){.options = options, .count = count};
    allow_files(count);
    swarm->epoll = epoll_create1(0);
    swarm->clients = calloc((size_t)count, sizeof *swarm->clients);
    if (swarm->epoll < 0 || !swarm->clients)
        die("can't begin: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct client *client = &swarm->clients[i];
        client->fd = -1;
        client->joins = true;
        client->room = (uint32_t)((int64_t)i * options->rooms / options->connections);
        client->port = options->ports[((uint32_t)i + client->room) % (uint32_t)options->port_count];
    }
}

/* Reading */

static void on_ack(struct swarm *swarm, struct client *client, uint64_t ack)
{
    if (client->step == JOINING)
        handshake_done(swarm, client);
    else
        swarm->listener.acked(swarm, client, ack);
}

static void on_delivery(struct swarm *swarm, struct client *client, const char *text,
                        size_t length)
{
    struct stamp stamp;
    if (!stamp_find(text, length, &stamp))
        die("a message without its content: %.*s", (int)length, text);
    swarm->listener.delivered(swarm, client, &stamp);
}

static void on_text(struct swarm *swarm, struct client *client, const char *text, size_t length)
{
    uint64_t ack;
    switch (swarm->options->protocol->read(text, length, &ack)) {
    case MEANS_DELIVERY:
        on_delivery(swarm, client, text, length);
        break;
    case MEANS_ACK:
        on_ack(swarm, client, ack);
        break;
    case MEANS_PING:
        client_write_frame(swarm, client, WS_TEXT, "3", 1);
        break;
    case MEANS_OPENED:
        handshake_enter(swarm, client);
        break;
    case MEANS_ENTERED:
        handshake_join(swarm, client);
        break;
    case MEANS_GOODBYE:
        client_drop(swarm, client);
        break;
    case MEANS_ERROR:
        die("the server says: %.*s", (int)length, text);
    case MEANS_NOTHING:
        break;
    }
}

static void on_frame(struct swarm *swarm, struct client *client, const struct frame *frame)
{
    if (frame->opcode == WS_TEXT)
        on_text(swarm, client, frame->payload, frame->length);
    else if (frame->opcode == WS_PING)
        client_write_frame(swarm, client, WS_PONG, frame->payload, frame->length);
    else if (frame->opcode == WS_CLOSE)
        client_drop(swarm, client);
}

/* Returns how much of the data was whole. */
static size_t consume(struct swarm *swarm, struct client *client, char *data, size_t length)
{
    size_t at = 0;
    if (client->step == UPGRADING && !(at = handshake_read_upgrade(swarm, client, data, length)))
        return 0;
    struct frame frame;
    ssize_t taken;
    while ((taken = ws_parse(data + at, length - at, &frame)) > 0) {
        at += (size_t)taken;
        on_frame(swarm, client, &frame);
        if (client->step == CLOSED)
            return length;
    }
    if (taken < 0)
        die("an unexpected WebSocket frame: it begins with 0x%02x", (unsigned char)data[at]);
    return at;
}

static void on_readable(struct swarm *swarm, struct client *client)
{
    struct bytes *carry = &client->carry;
    size_t held = carry->length;
    if (held == sizeof read_buffer)
        die("a frame of more than %zu bytes", sizeof read_buffer);
    memcpy(read_buffer, carry->data ? carry->data : "", held);
    ssize_t got = recv(client->fd, read_buffer + held, sizeof read_buffer - held, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        client_drop(swarm, client);
        return;
    }
    swarm->now = clock_ns();
    carry->length = 0;
    size_t length = held + (size_t)got;
    size_t taken = consume(swarm, client, read_buffer, length);
    if (taken < length)
        bytes_append(carry, read_buffer + taken, length - taken);
}

static void on_event(struct swarm *swarm, struct client *client, uint32_t events)
{
    if (client->step == DIALING) {
        handshake_upgrade(swarm, client);
        return;
    }
    if (events & EPOLLOUT)
        client_flush(swarm, client);
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        on_readable(swarm, client);
}

/* The loop */

void swarm_turn(struct swarm *swarm, int64_t deadline)
{
    struct epoll_event events[MAX_EVENTS];
    int64_t left = deadline - clock_ns();
    int timeout_ms = left > 0 ? (int)((left + 999999) / 1000000) : 0;
    int count = epoll_wait(swarm->epoll, events, MAX_EVENTS, timeout_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (client->step != CLOSED)
            on_event(swarm, client, events[i].events);
    }
}

void swarm_run_until(struct swarm *swarm, int64_t deadline)
{
    while (clock_ns() < deadline)
        swarm_turn(swarm, deadline);
}

void swarm_open(struct swarm *swarm)
{
    int64_t deadline = clock_ns() + OPEN_SECONDS * 1000000000LL;
    handshake_begin_more(swarm);
    while (swarm->ready < swarm->count) {
        swarm_turn(swarm, deadline);
        if (clock_ns() >= deadline)
            die("only %d of %d connections were ready after %d s", swarm->ready, swarm->count,
                OPEN_SECONDS);
    }
}
