/* Many that come, stay idle, and leave all at once, while one more, the witness, sends an event
 * after the other and waits for each ack: the longest wait is how long the server did nothing else.
 */
#include <stdbool.h>
#include <stdio.h>

#include "scenarios.h"

enum { CLOSE_AT_ONCE = 100, GIVE_UP_SECONDS = 120 };

struct crowd {
    struct client *witness;
    struct histogram waits;
    struct faults faults;
};

static void on_delivered(struct swarm *swarm, struct client *client, const struct stamp *stamp)
{
    struct crowd *crowd = swarm->scenario;
    (void)client, (void)stamp;
    crowd->faults.strays++; /* the witness is alone in its channel, and hasn't joined it */
}

static void on_acked(struct swarm *swarm, struct client *client, uint64_t ack)
{
    struct crowd *crowd = swarm->scenario;
    if (client != crowd->witness || ack != client->last_ack) {
        crowd->faults.strays++;
        return;
    }
    histogram_add(&crowd->waits, swarm->now - client->asked_at);
    client->asked_at = 0;
}

static void ask(struct swarm *swarm, struct client *witness)
{
    if (!witness->asked_at && witness->step == READY)
        client_publish(swarm, witness, witness->last_ack + 1, true);
}

/* A question each millisecond; they must not be the load themselves. */
static void witness_until(struct swarm *swarm, struct crowd *crowd, int64_t deadline)
{
    while (clock_ns() < deadline) {
        ask(swarm, crowd->witness);
        swarm_run_until(swarm, clock_ns() + 1000000);
    }
}

static void await_answer(struct swarm *swarm, struct crowd *crowd)
{
    int64_t deadline = clock_ns() + GIVE_UP_SECONDS * 1000000000LL;
    while (crowd->witness->asked_at && clock_ns() < deadline && crowd->witness->step == READY)
        swarm_turn(swarm, deadline);
    crowd->faults.gaps += crowd->witness->asked_at != 0;
}

/* Returns the longest wait in ms from the first of them leaving on. */
static double leave(struct swarm *swarm, struct crowd *crowd, double seconds)
{
    crowd->waits = (struct histogram){0};
    for (int i = 0; i < swarm->count; i++) {
        struct client *client = &swarm->clients[i];
        if (client != crowd->witness && client->step == READY)
            client_close(swarm, client);
        if (i % CLOSE_AT_ONCE == 0) {
            swarm_turn(swarm, 0);
            ask(swarm, crowd->witness);
        }
    }
    witness_until(swarm, crowd, clock_ns() + (int64_t)(seconds * 1e9));
    await_answer(swarm, crowd);
    return (double)crowd->waits.longest / 1e6;
}

int run_connect(const struct options *options)
{
    static struct swarm swarm;
    static struct crowd crowd;
    int count = options->connections + 1;
    swarm_init(&swarm, options, count);
    swarm.listener = (struct listener){.delivered = on_delivered, .acked = on_acked};
    swarm.scenario = &crowd;
    crowd.witness = &swarm.clients[count - 1];
    crowd.witness->joins = false;

    struct window window;
    int64_t memory_before = resident_bytes(options);
    window_open(&window, options);
    swarm_open(&swarm);
    window_close(&window, options);
    /* Idle: what the server still has to do for those who came, such as telling of them. */
    swarm_run_until(&swarm, clock_ns() + (int64_t)(options->warmup_seconds * 1e9));
    int64_t memory = resident_bytes(options) - memory_before;

    witness_until(&swarm, &crowd, clock_ns() + 1000000000LL);
    await_answer(&swarm, &crowd);
    double idle_ms = (double)crowd.waits.longest / 1e6;
    crowd.faults.dropped = (uint64_t)swarm.dropped;
    double longest_ms = leave(&swarm, &crowd, options->seconds);

    report_begin(options, &window);
    printf("\"connections_per_second\": %.0f, \"server_us_per_connection\": %.1f, ",
           count / window_seconds(&window), window.server_cpu * 1e6 / count);
    printf("\"kilobytes_per_connection\": %.2f, ", (double)memory / 1024 / count);
    printf("\"longest_idle_wait_ms\": %.2f, \"longest_stall_ms\": %.2f, ", idle_ms, longest_ms);
    return report_end(&crowd.faults);
}
