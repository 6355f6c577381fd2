-- Read a channel's head and what follows a position, as one step.
--
-- KEYS   1 head  2 log
-- ARGV   1 new epoch, for a channel without one  2 offset to recover from; -1: none  3 its epoch
--        4 how many of the newest messages to read if that can't be; -1: all
--        5 for how long a channel without messages is remembered, ms  6 to 8 bounds of history
--        9 bytes of messages at most, but for the first; 0: any
-- Returns {epoch, offset, 1 if all since the position is there, number of messages that follow the
-- entries, entries}: the oldest of those after the position if all are there, else of the newest.

local head, log = KEYS[1], KEYS[2]
local known = redis.call('HMGET', head, 'epoch', 'offset', 'compacted', 'note')
local epoch = known[1]
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', head, 'epoch', epoch)
  redis.call('PEXPIRE', head, ARGV[5])
  redis.call('DEL', log)
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local offset, compacted = tonumber(known[2] or 0), tonumber(known[3] or 0)
trim_to_read(head, log, offset, read_bounds(6), now, known[4])

local length = redis.call('XLEN', log)
-- Offset of the last message that is gone, and that no other stands for.
local trimmed = 0
if length < offset - compacted then
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  trimmed = oldest and tonumber(string.match(oldest[1], '^%d+')) - 1 or offset
end

local since, limit, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[9])
local recovered = since >= 0 and ARGV[3] == epoch and since >= trimmed and since <= offset

-- Where the messages begin, and how many there are, or nil if that isn't known.
local start, count
if recovered then
  start = '(' .. since .. '-0'
  count = compacted == 0 and offset - since or nil
else
  count = limit < 0 and length or math.min(limit, length)
  if count == length then
    start = '-'
  elseif compacted == 0 then
    start = offset - count + 1 .. '-0'
  else
    start = '+'
    local left = count
    while left > 0 do
      local some = redis.call('XREVRANGE', log, start, '-', 'COUNT', math.min(left, read_at_once))
      left = left - #some
      start = '(' .. some[#some][1]
    end
    start = string.sub(start, 2)
  end
end

if count == 0 then return {epoch, offset, recovered and 1 or 0, 0, {}} end
if most_bytes == 0 then
  return {epoch, offset, recovered and 1 or 0, 0, redis.call('XRANGE', log, start, '+')}
end
local entries, size, following = {}, 0, 0
local is_full = false
while true do
  local at_once = is_full and read_at_once or next_count(#entries, size, most_bytes)
  local some = redis.call('XRANGE', log, start, '+', 'COUNT', at_once)
  for _, entry in ipairs(some) do
    local record = entry[2][4] or ''
    size = size + #record - (string.find(record, '\n', 1, true) or 0)
    is_full = is_full or size > most_bytes and #entries > 0
    if is_full then following = following + 1 else entries[#entries + 1] = entry end
  end
  if #some < at_once then break end
  if is_full and count then
    following = count - #entries
    break
  end
  start = '(' .. some[#some][1]
end
return {epoch, offset, recovered and 1 or 0, following, entries}
