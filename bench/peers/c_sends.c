/* What a C program gets that makes one send() per delivery: epoll, one thread, nothing else.
 *
 * It understands just what bench/load says in its plain protocol, in the order of keys in which it
 * says it. To see that bench/load notices, LOSE=1000 or DOUBLE=1000 in the environment spoils every
 * thousandth delivery. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../load/websocket.h"

enum { MAX_CLIENTS = 65536, MAX_ROOMS = 65536, MAX_TEXT_BYTES = 65536, MAX_EVENTS = 1024 };

struct client {
    bool open, upgraded, waits_to_write;
    int room, place; /* -1: in none */
    char *carry, *unsent;
    size_t carry_length, unsent_length;
};

struct room {
    char name[129];
    int *members;
    int count, capacity;
};

static struct client clients[MAX_CLIENTS]; /* by file descriptor */
static struct room rooms[MAX_ROOMS];       /* a hash table */
static int epoll;
static long lose, duplicate, deliveries;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int room_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    for (int i = (int)(hash % MAX_ROOMS);; i = (i + 1) % MAX_ROOMS) {
        if (!rooms[i].name[0])
            memcpy(rooms[i].name, name, length);
        if (strlen(rooms[i].name) == length && memcmp(rooms[i].name, name, length) == 0)
            return i;
    }
}

static void join(int fd, int index)
{
    struct room *room = &rooms[index];
    if (room->count == room->capacity) {
        room->capacity = 2 * room->capacity + 16;
        room->members = realloc(room->members, (size_t)room->capacity * sizeof *room->members);
        if (!room->members)
            fail("realloc");
    }
    clients[fd].room = index;
    clients[fd].place = room->count;
    room->members[room->count++] = fd;
}

static void end(int fd)
{
    struct client *client = &clients[fd];
    if (client->room >= 0) {
        struct room *room = &rooms[client->room];
        int last = room->members[--room->count];
        room->members[client->place] = last;
        clients[last].place = client->place;
    }
    free(client->carry);
    free(client->unsent);
    *client = (struct client){.room = -1};
    close(fd);
}

static void watch(int fd, int operation, bool to_write)
{
    struct epoll_event event = {.events = EPOLLIN | (to_write ? EPOLLOUT : 0), .data.fd = fd};
    clients[fd].waits_to_write = to_write;
    if (epoll_ctl(epoll, operation, fd, &event) < 0)
        fail("epoll_ctl");
}

static void keep(char **bytes, size_t *held, const char *data, size_t length)
{
    *bytes = realloc(*bytes, *held + length);
    if (!*bytes)
        fail("realloc");
    memcpy(*bytes + *held, data, length);
    *held += length;
}

static void write_bytes(int fd, const char *data, size_t length)
{
    struct client *client = &clients[fd];
    ssize_t sent = client->unsent_length ? 0 : send(fd, data, length, MSG_NOSIGNAL);
    if (sent < 0)
        sent = 0; /* what is wrong shows when it is read */
    if ((size_t)sent == length)
        return;
    keep(&client->unsent, &client->unsent_length, data + sent, length - (size_t)sent);
    if (!client->waits_to_write)
        watch(fd, EPOLL_CTL_MOD, true);
}

static void flush(int fd)
{
    struct client *client = &clients[fd];
    ssize_t sent = send(fd, client->unsent, client->unsent_length, MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    client->unsent_length -= (size_t)sent;
    memmove(client->unsent, client->unsent + sent, client->unsent_length);
    if (!client->unsent_length)
        watch(fd, EPOLL_CTL_MOD, false);
}

static void deliver(int fd, const char *frame, size_t length)
{
    deliveries++;
    if (lose && deliveries % lose == 0)
        return;
    write_bytes(fd, frame, length);
    if (duplicate && deliveries % duplicate == 0)
        write_bytes(fd, frame, length);
}

static void publish(const struct room *room, const char *data, int data_length)
{
    static char text[2 * MAX_TEXT_BYTES], frame[2 * MAX_TEXT_BYTES + WS_MAX_HEADER];
    char moment[32];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(moment, sizeof moment, "%FT%T", gmtime_r(&now.tv_sec, &utc));
    int length = snprintf(text, sizeof text,
                          "{\"type\":\"user_message\",\"channel\":\"%s\",\"data\":%.*s,"
                          "\"timestamp\":\"%s.%03ldZ\"}",
                          room->name, data_length, data, moment, now.tv_nsec / 1000000);
    size_t size = ws_write(frame, WS_TEXT, text, (size_t)length, false);
    for (int i = 0; i < room->count; i++)
        deliver(room->members[i], frame, size);
}

static void acknowledge(int fd, long id)
{
    char text[96], frame[96 + WS_MAX_HEADER];
    int length = snprintf(text, sizeof text, "{\"type\":\"ack\",\"id\":%ld,\"ok\":true}", id);
    write_bytes(fd, frame, ws_write(frame, WS_TEXT, text, (size_t)length, false));
}

/* {"type":"join","id":1,"channel":"…"} or {"type":"user_message","id":1,"channel":"…","data":{…}},
 * where the id may be missing. */
static void on_text(int fd, char *text, size_t length)
{
    static const char ID[] = "\"id\":", CHANNEL[] = "\"channel\":\"", DATA[] = ",\"data\":";
    char *channel = memmem(text, length, CHANNEL, sizeof CHANNEL - 1);
    if (!channel)
        return;
    char *id = memmem(text, (size_t)(channel - text), ID, sizeof ID - 1);
    channel += sizeof CHANNEL - 1;
    char *end_of_text = text + length;
    char *quote = memchr(channel, '"', (size_t)(end_of_text - channel));
    if (!quote || quote - channel > 128)
        return;
    int room = room_of(channel, (size_t)(quote - channel));
    char *data = memmem(quote, (size_t)(end_of_text - quote), DATA, sizeof DATA - 1);
    if (data) {
        data += sizeof DATA - 1;
        publish(&rooms[room], data, (int)(end_of_text - 1 - data));
    } else {
        join(fd, room);
    }
    if (id)
        acknowledge(fd, atol(id + sizeof ID - 1));
}

static size_t upgrade(int fd, char *data, size_t length)
{
    static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Accept: " WS_ACCEPT
                                 "\r\n\r\n";
    char *end_of_head = memmem(data, length, "\r\n\r\n", 4);
    if (!end_of_head)
        return 0;
    clients[fd].upgraded = true;
    write_bytes(fd, ANSWER, sizeof ANSWER - 1);
    return (size_t)(end_of_head - data) + 4;
}

static void on_readable(int fd)
{
    static char buffer[4 * MAX_TEXT_BYTES];
    struct client *client = &clients[fd];
    size_t held = client->carry_length;
    if (held)
        memcpy(buffer, client->carry, held);
    ssize_t got = recv(fd, buffer + held, sizeof buffer - held, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            end(fd);
        return;
    }
    client->carry_length = 0;
    size_t length = held + (size_t)got, at = 0;
    ssize_t taken = 1;
    struct frame frame;
    if (!client->upgraded)
        at = upgrade(fd, buffer, length);
    while (client->upgraded && (taken = ws_parse(buffer + at, length - at, &frame)) > 0) {
        at += (size_t)taken;
        if (frame.opcode == WS_TEXT)
            on_text(fd, frame.payload, frame.length);
    }
    if (taken < 0 || (at < length && length - at > MAX_TEXT_BYTES))
        end(fd);
    else if (at < length)
        keep(&client->carry, &client->carry_length, buffer + at, length - at);
}

static void accept_all(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_CLIENTS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        clients[fd] = (struct client){.open = true, .room = -1};
        watch(fd, EPOLL_CTL_ADD, false);
    }
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        fail("bind");
    if (listen(listener, 4096) < 0)
        fail("listen");
    watch(listener, EPOLL_CTL_ADD, false);
    return listener;
}

static long from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

int main(void)
{
    struct epoll_event events[MAX_EVENTS];
    lose = from_environment("LOSE");
    duplicate = from_environment("DOUBLE");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on((int)from_environment("PORT"));
    for (;;) {
        int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all(listener);
            else if (events[i].events & EPOLLOUT)
                flush(fd);
            else if (clients[fd].open)
                on_readable(fd);
        }
    }
}
