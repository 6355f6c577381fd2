#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "scenarios.h"

static const char USAGE[] =
    "load SCENARIO --port PORT[,PORT…] [options]\n"
    "\n"
    "  fanout   each room's first member keeps messages outstanding; deliveries per second\n"
    "  paced    each room's first member publishes at a fixed rate; ms until it is delivered\n"
    "  ack      each connection has one event outstanding, nobody has joined; acks per second\n"
    "  connect  all come, stay idle, and leave at once; connections per second, memory, stalls\n"
    "\n"
    "  --protocol NAME             socketio; recovering: the same, asking to be restored; plain\n"
    "  --connections N             1000\n"
    "  --rooms N                   1: the connections are spread over so many\n"
    "  --outstanding N             4 messages (fanout)\n"
    "  --rate N                    20 messages per second (paced)\n"
    "  --seconds S                 5: how long it is measured, or watched after all have left\n"
    "  --warmup S                  1: how long it runs before, or stays idle (connect)\n"
    "  --bytes N                   200: length of a message's content\n"
    "  --tokens FILE               one per line, for the connections in turn\n"
    "  --server-pid PID[,PID…]     measure those processes' CPU and memory as well\n"
    "  --redis-pid PID             and that one's CPU\n"
    "\n"
    "Where there are several ports, the members of each room are spread over them in turn.\n";

static const struct {
    const char *name;
    int (*run)(const struct options *options);
} SCENARIOS[] = {
    {"fanout", run_fanout}, {"paced", run_paced}, {"ack", run_ack}, {"connect", run_connect}};

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(2);
}

void report_begin(const struct options *options, const struct window *window)
{
    double seconds = window_seconds(window);
    printf("{\"scenario\": \"%s\", \"protocol\": \"%s\", \"connections\": %d, \"rooms\": %d, ",
           options->scenario, options->protocol->name, options->connections, options->rooms);
    printf("\"seconds\": %.3f, \"load_cpu_share\": %.3f, \"server_cpu_seconds\": %.3f, ", seconds,
           window->own_cpu / seconds, window->server_cpu);
    printf("\"redis_cpu_seconds\": %.3f, ", window->redis_cpu);
}

int report_end(const struct faults *faults)
{
    printf("\"gaps\": %" PRIu64 ", \"duplicates\": %" PRIu64 ", \"strays\": %" PRIu64
           ", \"dropped\": %" PRIu64 "}\n",
           faults->gaps, faults->duplicates, faults->strays, faults->dropped);
    return faults->gaps || faults->duplicates || faults->strays || faults->dropped;
}

static void read_tokens(struct options *options, const char *path)
{
    char line[MAX_CONTENT];
    FILE *file = fopen(path, "r");
    if (!file)
        die("can't read %s", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        size_t size = (size_t)(options->token_count + 1) * sizeof *options->tokens;
        options->tokens = realloc(options->tokens, size);
        options->tokens[options->token_count++] = strdup(line);
    }
    fclose(file);
}

static const struct protocol *protocol_named(const char *name)
{
    if (strcmp(name, socketio.name) == 0)
        return &socketio;
    if (strcmp(name, recovering.name) == 0)
        return &recovering;
    if (strcmp(name, plain.name) == 0)
        return &plain;
    die("no protocol %s", name);
}

static double positive(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value > 0) || value > 1e9)
        die("--%s takes a positive number, not %s", name, text);
    return value;
}

/* Returns how many numbers there are, between commas. */
static int read_list(const char *name, const char *text, int *numbers)
{
    char copy[256], *rest, *item;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        if (count == MAX_PROCESSES)
            die("--%s takes at most %d numbers", name, MAX_PROCESSES);
        numbers[count++] = (int)positive(name, item);
    }
    return count;
}

static void set(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "protocol") == 0)
        options->protocol = protocol_named(value);
    else if (strcmp(name, "tokens") == 0)
        read_tokens(options, value);
    else if (strcmp(name, "seconds") == 0)
        options->seconds = positive(name, value);
    else if (strcmp(name, "warmup") == 0)
        options->warmup_seconds = positive(name, value);
    else if (strcmp(name, "rate") == 0)
        options->rate = positive(name, value);
    else if (strcmp(name, "port") == 0)
        options->port_count = read_list(name, value, options->ports);
    else if (strcmp(name, "server-pid") == 0)
        read_list(name, value, options->server_pids);
    else if (strcmp(name, "redis-pid") == 0)
        options->redis_pid = (pid_t)positive(name, value);
    else if (strcmp(name, "connections") == 0)
        options->connections = (int)positive(name, value);
    else if (strcmp(name, "rooms") == 0)
        options->rooms = (int)positive(name, value);
    else if (strcmp(name, "outstanding") == 0)
        options->outstanding = (int)positive(name, value);
    else
        options->content_bytes = (int)positive(name, value);
}

static void read_options(struct options *options, int count, char **arguments)
{
    static const struct option NAMES[] = {
        {"protocol", 1, 0, 0},   {"tokens", 1, 0, 0},      {"seconds", 1, 0, 0},
        {"warmup", 1, 0, 0},     {"rate", 1, 0, 0},        {"port", 1, 0, 0},
        {"server-pid", 1, 0, 0}, {"redis-pid", 1, 0, 0},   {"rooms", 1, 0, 0},
        {"bytes", 1, 0, 0},      {"outstanding", 1, 0, 0}, {"connections", 1, 0, 0},
        {0}};
    int index, option;
    while ((option = getopt_long(count, arguments, "", NAMES, &index)) != -1) {
        if (option != 0)
            die("no such option\n\n%s", USAGE);
        set(options, NAMES[index].name, optarg);
    }
    if (optind != count - 1 || !options->port_count)
        die("a scenario and a port are needed\n\n%s", USAGE);
    options->scenario = arguments[optind];
    if (options->content_bytes < STAMP_LENGTH || options->content_bytes > MAX_CONTENT)
        die("--bytes is between %d and %d", STAMP_LENGTH, MAX_CONTENT);
}

int main(int count, char **arguments)
{
    struct options options = {.protocol = &socketio,
                              .connections = 1000,
                              .rooms = 1,
                              .outstanding = 4,
                              .rate = 20,
                              .seconds = 5,
                              .warmup_seconds = 1,
                              .content_bytes = 200};
    read_options(&options, count, arguments);
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof *SCENARIOS; i++)
        if (strcmp(SCENARIOS[i].name, options.scenario) == 0)
            return SCENARIOS[i].run(&options);
    die("no scenario %s\n\n%s", options.scenario, USAGE);
}
