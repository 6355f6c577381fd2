#include "stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "@<sequence>:<room>:<sent at>:", each number padded with zeros to these many digits. */
enum { SEQUENCE_DIGITS = 12, ROOM_DIGITS = 6, TIME_DIGITS = 19 };

void stamp_write(char *content, size_t length, const struct stamp *stamp)
{
    char head[96]; /* for the longest numbers that the types could hold */
    snprintf(head, sizeof head, "@%012" PRIu64 ":%06" PRIu32 ":%019" PRId64 ":", stamp->sequence,
             stamp->room, stamp->sent_at);
    memcpy(content, head, STAMP_LENGTH);
    memset(content + STAMP_LENGTH, 'x', length - STAMP_LENGTH);
}

static const char *read_number(const char *at, int digits, uint64_t *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++)
        *number = *number * 10 + (uint64_t)(at[i] - '0');
    return at + digits + 1; /* past the colon */
}

bool stamp_find(const char *text, size_t length, struct stamp *stamp)
{
    /* No other JSON text of ours begins with "@". */
    const char *quote = memmem(text, length, "\"@", 2);
    if (!quote || (size_t)(text + length - quote) < 1 + STAMP_LENGTH)
        return false;
    uint64_t room, sent_at;
    const char *at = read_number(quote + 2, SEQUENCE_DIGITS, &stamp->sequence);
    at = read_number(at, ROOM_DIGITS, &room);
    at = read_number(at, TIME_DIGITS, &sent_at);
    stamp->room = (uint32_t)room;
    stamp->sent_at = (int64_t)sent_at;
    return at[-1] == ':';
}
