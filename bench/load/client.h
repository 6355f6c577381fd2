/* One connection: what it takes to write to it. Only swarm.c and handshake.c need this; scenarios
 * have swarm.h. */
#ifndef CLIENT_H
#define CLIENT_H

#include "protocol.h"
#include "swarm.h"
#include "websocket.h"

/* Adds it to the epoll set or changes it there; it always waits to read. */
void client_watch(struct swarm *swarm, struct client *client, int operation, bool to_write);

/* Sends now what the socket takes, and the rest when it can. */
void client_write(struct swarm *swarm, struct client *client, const char *data, size_t length);
void client_write_frame(struct swarm *swarm, struct client *client, enum opcode opcode,
                        const char *payload, size_t length);
void client_flush(struct swarm *swarm, struct client *client);

/* The server has closed it. */
void client_drop(struct swarm *swarm, struct client *client);

const char *client_channel(const struct client *client);

void bytes_append(struct bytes *bytes, const char *data, size_t length);

#endif
