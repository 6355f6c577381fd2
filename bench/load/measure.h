/* What is measured: time, CPU, memory and latencies. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

struct options;

/* The stretch of time over which something is counted. */
struct window {
    int64_t begin, end; /* ns */
    double own_cpu, server_cpu, redis_cpu; /* seconds used in it */
};

void window_open(struct window *window, const struct options *options);
void window_close(struct window *window, const struct options *options);
double window_seconds(const struct window *window);

/* Resident memory of the server's processes in bytes; 0 when it isn't known. */
int64_t resident_bytes(const struct options *options);

/* Durations, counted in buckets that are at most 1/64 of their value wide. */
struct histogram {
    uint64_t buckets[64 * 64];
    uint64_t count;
    int64_t longest;
};

void histogram_add(struct histogram *histogram, int64_t ns);
double histogram_ms(const struct histogram *histogram, double share);

#endif
