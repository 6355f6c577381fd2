/* Rooms in which messages are published; who is in the room must get each once and in order.
 *
 * The first member of a room is its publisher. In `fanout` it keeps a number of messages
 * outstanding: it sends a new one each time one more has reached every member. In `paced` it sends
 * at a fixed rate, whatever happens. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenarios.h"

enum { QUIET_SECONDS = 10 };

struct room {
    struct client *publisher;
    uint64_t sent;
    uint32_t *reached; /* by sequence modulo `outstanding`: how many members have it */
};

struct fanout {
    struct room *rooms;
    uint32_t members; /* of each room */
    uint32_t outstanding; /* 0: not waited for */
    bool measuring, ending;
    struct window window;
    uint64_t delivered; /* in the window */
    struct histogram latency; /* of what was sent in the window */
    uint64_t total;
    struct faults faults;
};

static void publish(struct swarm *swarm, struct room *room)
{
    if (room->publisher->step == READY)
        client_publish(swarm, room->publisher, ++room->sent, false);
}

static void reach(struct swarm *swarm, struct room *room, uint64_t sequence)
{
    struct fanout *fanout = swarm->scenario;
    if (!fanout->outstanding)
        return;
    /* Members get messages in order, so those under way are the newest: a ring holds them. */
    uint32_t *reached = &room->reached[sequence % fanout->outstanding];
    if (++*reached < fanout->members)
        return;
    *reached = 0;
    if (!fanout->ending)
        publish(swarm, room);
}

static void on_delivered(struct swarm *swarm, struct client *client, const struct stamp *stamp)
{
    struct fanout *fanout = swarm->scenario;
    struct room *room = &fanout->rooms[client->room];
    uint64_t expected = client->last_sequence + 1;
    if (stamp->room != client->room || stamp->sequence > room->sent) {
        fanout->faults.strays++;
        return;
    }
    if (stamp->sequence < expected) {
        fanout->faults.duplicates++;
        return;
    }
    fanout->faults.gaps += stamp->sequence - expected;
    client->last_sequence = stamp->sequence;
    fanout->total++;
    if (fanout->measuring) {
        fanout->delivered++;
        if (stamp->sent_at >= fanout->window.begin)
            histogram_add(&fanout->latency, swarm->now - stamp->sent_at);
    }
    /* What was skipped is lost: it must not hold up the messages after it as well. */
    for (uint64_t sequence = expected; sequence <= stamp->sequence; sequence++)
        reach(swarm, room, sequence);
}

static void on_acked(struct swarm *swarm, struct client *client, uint64_t ack)
{
    struct fanout *fanout = swarm->scenario;
    (void)client, (void)ack;
    fanout->faults.strays++; /* none was asked for */
}

static void begin(struct swarm *swarm, struct fanout *fanout, const struct options *options)
{
    if (options->connections % options->rooms)
        die("%d connections can't be spread evenly over %d rooms", options->connections,
            options->rooms);
    swarm_init(swarm, options, options->connections);
    swarm->listener = (struct listener){.delivered = on_delivered, .acked = on_acked};
    swarm->scenario = fanout;
    fanout->members = (uint32_t)(options->connections / options->rooms);
    fanout->rooms = calloc((size_t)options->rooms, sizeof *fanout->rooms);
    for (int i = 0; i < options->rooms; i++) {
        struct room *room = &fanout->rooms[i];
        room->publisher = &swarm->clients[(uint32_t)i * fanout->members];
        room->reached = calloc(fanout->outstanding + 1, sizeof *room->reached);
    }
    swarm_open(swarm);
}

/* Runs until the deadline, or until nothing has come for so long that nothing will. */
static void run(struct swarm *swarm, struct fanout *fanout, int64_t deadline)
{
    int64_t heard_at = clock_ns();
    uint64_t total = fanout->total;
    while (clock_ns() < deadline && clock_ns() - heard_at < QUIET_SECONDS * 1000000000LL) {
        swarm_turn(swarm, deadline);
        if (fanout->total != total)
            heard_at = clock_ns();
        total = fanout->total;
    }
}

static bool all_reached(const struct swarm *swarm, const struct fanout *fanout)
{
    for (int i = 0; i < swarm->count; i++) {
        const struct client *client = &swarm->clients[i];
        if (client->step == READY && client->last_sequence < fanout->rooms[client->room].sent)
            return false;
    }
    return true;
}

/* Waits for what is under way; what doesn't come is lost. */
static void finish(struct swarm *swarm, struct fanout *fanout)
{
    fanout->ending = true;
    int64_t give_up_at = clock_ns() + 6 * QUIET_SECONDS * 1000000000LL;
    while (!all_reached(swarm, fanout) && clock_ns() < give_up_at) {
        uint64_t total = fanout->total;
        run(swarm, fanout, clock_ns() + 100000000);
        if (fanout->total != total)
            continue;
        run(swarm, fanout, clock_ns() + 2000000000);
        if (fanout->total == total)
            break;
    }
    for (int i = 0; i < swarm->count; i++) {
        const struct client *client = &swarm->clients[i];
        if (client->step == READY)
            fanout->faults.gaps += fanout->rooms[client->room].sent - client->last_sequence;
    }
    fanout->faults.dropped = (uint64_t)swarm->dropped;
}

static int report(const struct fanout *fanout, const struct options *options)
{
    double deliveries = (double)fanout->delivered;
    report_begin(options, &fanout->window);
    printf("\"deliveries\": %.0f, \"deliveries_per_second\": %.0f, ", deliveries,
           deliveries / window_seconds(&fanout->window));
    printf("\"server_us_per_delivery\": %.3f, ",
           deliveries ? fanout->window.server_cpu * 1e6 / deliveries : 0);
    printf("\"redis_us_per_delivery\": %.3f, ",
           deliveries ? fanout->window.redis_cpu * 1e6 / deliveries : 0);
    printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, ", histogram_ms(&fanout->latency, 0.50),
           histogram_ms(&fanout->latency, 0.99));
    return report_end(&fanout->faults);
}

int run_fanout(const struct options *options)
{
    static struct swarm swarm;
    static struct fanout fanout;
    fanout.outstanding = (uint32_t)options->outstanding;
    begin(&swarm, &fanout, options);
    for (int i = 0; i < options->rooms; i++)
        for (int k = 0; k < options->outstanding; k++)
            publish(&swarm, &fanout.rooms[i]);
    run(&swarm, &fanout, clock_ns() + (int64_t)(options->warmup_seconds * 1e9));

    fanout.measuring = true;
    window_open(&fanout.window, options);
    run(&swarm, &fanout, clock_ns() + (int64_t)(options->seconds * 1e9));
    window_close(&fanout.window, options);
    fanout.measuring = false;

    finish(&swarm, &fanout);
    return report(&fanout, options);
}

/* Publishes in every room at the given rate. */
static void pace(struct swarm *swarm, struct fanout *fanout, const struct options *options,
                 double seconds)
{
    int64_t begin = clock_ns(), interval = (int64_t)(1e9 / options->rate);
    int64_t count = (int64_t)(seconds * options->rate);
    for (int64_t i = 0; i < count; i++) {
        swarm_run_until(swarm, begin + i * interval);
        for (int room = 0; room < options->rooms; room++)
            publish(swarm, &fanout->rooms[room]);
    }
    swarm_run_until(swarm, begin + count * interval);
}

int run_paced(const struct options *options)
{
    static struct swarm swarm;
    static struct fanout fanout;
    begin(&swarm, &fanout, options);
    pace(&swarm, &fanout, options, options->warmup_seconds);

    fanout.measuring = true;
    window_open(&fanout.window, options);
    pace(&swarm, &fanout, options, options->seconds);
    window_close(&fanout.window, options);

    /* Here latency is what counts, so that of the last messages does too. */
    uint64_t delivered = fanout.delivered;
    finish(&swarm, &fanout);
    fanout.delivered = delivered;
    return report(&fanout, options);
}
