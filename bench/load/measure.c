#include "measure.h"

#include <stdio.h>
#include <time.h>

#include "swarm.h"

static double cpu_seconds(clockid_t clock)
{
    struct timespec used;
    if (clock_gettime(clock, &used) < 0)
        die("the server has ended");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* As utime + stime of /proc/<pid>/stat, of all threads, but in ns instead of ticks of 10 ms. */
static double process_cpu_seconds(pid_t pid)
{
    clockid_t clock;
    if (pid == 0)
        return 0;
    if (clock_getcpuclockid(pid, &clock) != 0)
        die("there is no process %d", (int)pid);
    return cpu_seconds(clock);
}

static double server_cpu_seconds(const struct options *options)
{
    double sum = 0;
    for (int i = 0; i < MAX_PROCESSES; i++)
        sum += process_cpu_seconds(options->server_pids[i]);
    return sum;
}

void window_open(struct window *window, const struct options *options)
{
    window->begin = clock_ns();
    window->own_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    window->server_cpu = server_cpu_seconds(options);
    window->redis_cpu = process_cpu_seconds(options->redis_pid);
}

void window_close(struct window *window, const struct options *options)
{
    window->server_cpu = server_cpu_seconds(options) - window->server_cpu;
    window->redis_cpu = process_cpu_seconds(options->redis_pid) - window->redis_cpu;
    window->own_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - window->own_cpu;
    window->end = clock_ns();
}

double window_seconds(const struct window *window)
{
    return (double)(window->end - window->begin) / 1e9;
}

static int64_t process_bytes(pid_t pid)
{
    char path[64], line[256];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = pid ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return kilobytes * 1024LL;
}

int64_t resident_bytes(const struct options *options)
{
    int64_t sum = 0;
    for (int i = 0; i < MAX_PROCESSES; i++)
        sum += process_bytes(options->server_pids[i]);
    return sum;
}

/* A value's bucket: the place of its highest bit, then the 6 bits after that one. */
static unsigned bucket_of(uint64_t value)
{
    if (value < 64)
        return (unsigned)value;
    unsigned shift = 57 - (unsigned)__builtin_clzll(value);
    return (shift + 1) * 64 + (unsigned)(value >> shift & 63);
}

static double bucket_value(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    unsigned shift = bucket / 64 - 1;
    return ((double)(64 + bucket % 64) + 0.5) * (double)(1ULL << shift);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    histogram->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
    histogram->count++;
    if (ns > histogram->longest)
        histogram->longest = ns;
}

double histogram_ms(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (unsigned i = 0; i < 64 * 64; i++)
        if ((seen += histogram->buckets[i]) > wanted)
            return bucket_value(i) / 1e6;
    return (double)histogram->longest / 1e6;
}
