/* The steps from a closed socket to a joined room: dial, upgrade to WebSocket, and with Socket.IO
 * open and enter the namespace; then join. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "swarm.h"

/* Dials the next connections, as long as fewer than a hundred are under way. */
void handshake_begin_more(struct swarm *swarm);

void handshake_upgrade(struct swarm *swarm, struct client *client);

/* Returns the length of the HTTP response, 0 when it is incomplete. */
size_t handshake_read_upgrade(struct swarm *swarm, struct client *client, const char *data,
                              size_t length);

void handshake_enter(struct swarm *swarm, struct client *client);
void handshake_join(struct swarm *swarm, struct client *client);
void handshake_done(struct swarm *swarm, struct client *client);

#endif
