/* Many connections to one server, in one thread. */
#ifndef SWARM_H
#define SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "stamp.h"

enum step { WAITING, DIALING, UPGRADING, OPENING, ENTERING, JOINING, READY, CLOSED };

struct bytes {
    char *data;
    size_t length, capacity;
};

struct client {
    int fd;
    enum step step;
    uint32_t room;
    int port;
    bool joins;             /* or only publishes */
    bool waits_to_write;
    uint64_t last_sequence; /* of its room's messages */
    uint64_t last_ack;      /* the newest that was asked for */
    int64_t asked_at;
    struct bytes carry;     /* the begin of a frame whose rest is yet to come */
    struct bytes unsent;
};

struct swarm;

struct listener {
    void (*delivered)(struct swarm *swarm, struct client *client, const struct stamp *stamp);
    void (*acked)(struct swarm *swarm, struct client *client, uint64_t ack);
};

struct swarm {
    const struct options *options;
    struct listener listener;
    void *scenario; /* the listener's own */
    struct client *clients;
    int count;
    int epoll;
    int dialed, ready;
    int dropped; /* by the server */
    int64_t now; /* ns, when the bytes at hand were read */
};

int64_t clock_ns(void);

/* Prepares `count` connections; client i belongs to room i * rooms / connections and joins it.
 * Of several ports each room's members have one after the other, beginning with another one in
 * each room. */
void swarm_init(struct swarm *swarm, const struct options *options, int count);

/* Connects all of them, a hundred at a time, up to where each has joined its room. */
void swarm_open(struct swarm *swarm);

/* Waits for what comes, at most until `deadline`, and handles it. */
void swarm_turn(struct swarm *swarm, int64_t deadline);

void swarm_run_until(struct swarm *swarm, int64_t deadline);

/* Publishes a message stamped with the present moment, in the client's own room. */
void client_publish(struct swarm *swarm, struct client *client, uint64_t sequence, bool wants_ack);

/* Closes the socket, without any farewell. */
void client_close(struct swarm *swarm, struct client *client);

#endif
