/* What a message's content begins with: who sent it when, so that whoever receives it can tell. */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stamp {
    uint64_t sequence; /* 1, 2, 3, … in its room */
    uint32_t room;
    int64_t sent_at; /* CLOCK_MONOTONIC, in ns */
};

#define STAMP_LENGTH 41

/* Writes a content of exactly `length` bytes, at least STAMP_LENGTH; it needs no JSON escapes. */
void stamp_write(char *content, size_t length, const struct stamp *stamp);

/* Finds the content in a JSON text. */
bool stamp_find(const char *text, size_t length, struct stamp *stamp);

#endif
