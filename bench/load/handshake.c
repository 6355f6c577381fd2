#include "handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "client.h"

enum { MAX_HANDSHAKES = 100 };

static void dial(struct swarm *swarm, struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)client->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        die("socket: %s", strerror(errno));
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 &&
        errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    client->step = DIALING;
    client_watch(swarm, client, EPOLL_CTL_ADD, true);
}

void handshake_begin_more(struct swarm *swarm)
{
    while (swarm->dialed < swarm->count && swarm->dialed - swarm->ready < MAX_HANDSHAKES)
        dial(swarm, &swarm->clients[swarm->dialed++]);
}

void handshake_upgrade(struct swarm *swarm, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        die("can't connect to port %d: %s", client->port, strerror(error));
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: " WS_KEY "\r\n\r\n",
                          swarm->options->protocol->path, client->port);
    client->step = UPGRADING;
    client_watch(swarm, client, EPOLL_CTL_MOD, false);
    client_write(swarm, client, request, (size_t)length);
}

void handshake_done(struct swarm *swarm, struct client *client)
{
    client->step = READY;
    swarm->ready++;
    handshake_begin_more(swarm);
}

void handshake_join(struct swarm *swarm, struct client *client)
{
    if (!client->joins) {
        handshake_done(swarm, client);
        return;
    }
    char text[MAX_TEXT];
    client->step = JOINING;
    size_t length =
        swarm->options->protocol->join(text, client_channel(client), ++client->last_ack);
    client_write_frame(swarm, client, WS_TEXT, text, length);
}

void handshake_enter(struct swarm *swarm, struct client *client)
{
    const struct options *options = swarm->options;
    char text[MAX_TEXT], *token = NULL;
    if (options->token_count)
        token = options->tokens[(client - swarm->clients) % options->token_count];
    client->step = ENTERING;
    client_write_frame(swarm, client, WS_TEXT, text, options->protocol->enter(text, token));
}

size_t handshake_read_upgrade(struct swarm *swarm, struct client *client, const char *data,
                              size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t taken = (size_t)(end - data) + 4;
    if (!begins(data, length, "HTTP/1.1 101 ") || !memmem(data, taken, WS_ACCEPT, 28))
        die("no WebSocket at %s: %.*s", swarm->options->protocol->path, (int)taken, data);
    client->step = OPENING;
    if (!swarm->options->protocol->enters)
        handshake_join(swarm, client);
    return taken;
}
