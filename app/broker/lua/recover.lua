-- Read a channel's head and what follows a position, as one step.
--
-- KEYS   1 head  2 log
-- ARGV   1 new epoch, for a channel without one  2 offset to recover from; -1: none  3 its epoch
--        4 how many of the newest messages to read if that can't be; -1: all
--        5 history's expiry, ms; 0: none  6 history size  7 age at which messages expire, s
--        8 bytes of messages at most, but for the first; 0: any
-- Returns {epoch, offset, 1 if all since the position is there, number of messages that follow the
-- entries, entries}: the oldest of those after the position if all are there, else of the newest.

local most_at_once = 16

local head, log = KEYS[1], KEYS[2]
local epoch = redis.call('HGET', head, 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', head, 'epoch', epoch)
  redis.call('DEL', log)
  if tonumber(ARGV[5]) > 0 then redis.call('PEXPIRE', head, ARGV[5]) end
end
local time = redis.call('TIME')
trim(head, log, tonumber(ARGV[6]), tonumber(ARGV[7]), time[1] + time[2] / 1000000)

local offset = tonumber(redis.call('HGET', head, 'offset') or 0)
local compacted = tonumber(redis.call('HGET', head, 'compacted') or 0)
local length = redis.call('XLEN', log)
-- Offset of the last message that is gone, and that no other stands for.
local trimmed = 0
if length < offset - compacted then
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  trimmed = oldest and tonumber(string.match(oldest[1], '^%d+')) - 1 or offset
end

local since, limit, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[8])
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
      local some = redis.call('XREVRANGE', log, start, '-', 'COUNT', math.min(left, most_at_once))
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
  local some = redis.call('XRANGE', log, start, '+', 'COUNT', most_at_once)
  for _, entry in ipairs(some) do
    local record = entry[2][4] or ''
    size = size + #record - (string.find(record, '\n', 1, true) or 0)
    is_full = is_full or size > most_bytes and #entries > 0
    if is_full then following = following + 1 else entries[#entries + 1] = entry end
  end
  if #some < most_at_once then break end
  if is_full and count then
    following = count - #entries
    break
  end
  start = '(' .. some[#some][1]
end
return {epoch, offset, recovered and 1 or 0, following, entries}
