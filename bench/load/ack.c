/* Connections that each have one event outstanding, in a channel of their own that nobody joined:
 * what a request costs, without any fan-out. */
#include <stdbool.h>
#include <stdio.h>

#include "scenarios.h"

struct acks {
    bool measuring, ending;
    uint64_t counted; /* in the window */
    struct histogram latency;
    struct faults faults;
};

static void on_delivered(struct swarm *swarm, struct client *client, const struct stamp *stamp)
{
    struct acks *acks = swarm->scenario;
    (void)client, (void)stamp;
    acks->faults.strays++; /* nobody has joined */
}

static void on_acked(struct swarm *swarm, struct client *client, uint64_t ack)
{
    struct acks *acks = swarm->scenario;
    if (ack != client->last_ack || !client->asked_at) {
        *(ack > client->last_ack ? &acks->faults.strays : &acks->faults.duplicates) += 1;
        return;
    }
    if (acks->measuring) {
        acks->counted++;
        histogram_add(&acks->latency, swarm->now - client->asked_at);
    }
    client->asked_at = 0;
    if (!acks->ending)
        client_publish(swarm, client, client->last_ack + 1, true);
}

static bool any_outstanding(const struct swarm *swarm)
{
    for (int i = 0; i < swarm->count; i++)
        if (swarm->clients[i].step == READY && swarm->clients[i].asked_at)
            return true;
    return false;
}

static void finish(struct swarm *swarm, struct acks *acks)
{
    acks->ending = true;
    int64_t deadline = clock_ns() + 5000000000LL;
    while (any_outstanding(swarm) && clock_ns() < deadline)
        swarm_turn(swarm, deadline);
    for (int i = 0; i < swarm->count; i++)
        acks->faults.gaps += swarm->clients[i].step == READY && swarm->clients[i].asked_at;
    acks->faults.dropped = (uint64_t)swarm->dropped;
}

int run_ack(const struct options *options)
{
    static struct swarm swarm;
    static struct acks acks;
    struct options own = *options;
    own.rooms = own.connections;
    swarm_init(&swarm, &own, own.connections);
    swarm.listener = (struct listener){.delivered = on_delivered, .acked = on_acked};
    swarm.scenario = &acks;
    for (int i = 0; i < swarm.count; i++)
        swarm.clients[i].joins = false;
    swarm_open(&swarm);
    for (int i = 0; i < swarm.count; i++)
        client_publish(&swarm, &swarm.clients[i], 1, true);
    swarm_run_until(&swarm, clock_ns() + (int64_t)(options->warmup_seconds * 1e9));

    struct window window;
    acks.measuring = true;
    window_open(&window, options);
    swarm_run_until(&swarm, clock_ns() + (int64_t)(options->seconds * 1e9));
    window_close(&window, options);
    acks.measuring = false;
    finish(&swarm, &acks);

    double counted = (double)acks.counted;
    report_begin(&own, &window);
    printf("\"acks\": %.0f, \"acks_per_second\": %.0f, \"server_us_per_ack\": %.3f, ", counted,
           counted / window_seconds(&window), counted ? window.server_cpu * 1e6 / counted : 0);
    printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, ", histogram_ms(&acks.latency, 0.50),
           histogram_ms(&acks.latency, 0.99));
    return report_end(&acks.faults);
}
