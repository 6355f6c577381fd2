/* Each runs one scenario, prints one line of JSON and returns the program's exit status: 1 when
 * the server lost, doubled or misplaced anything, or dropped a connection. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "measure.h"
#include "swarm.h"

int run_fanout(const struct options *options);
int run_paced(const struct options *options);
int run_ack(const struct options *options);
int run_connect(const struct options *options);

/* What a server did wrong. */
struct faults {
    uint64_t gaps;       /* messages or acks that never came, or too late */
    uint64_t duplicates; /* that came once more, or out of order */
    uint64_t strays;     /* of another room, or never asked for */
    uint64_t dropped;    /* connections that the server closed */
};

/* The begin and the end of the line; between them a scenario prints its own, `"key": value, `. */
void report_begin(const struct options *options, const struct window *window);
int report_end(const struct faults *faults);

#endif
