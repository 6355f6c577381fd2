-- Read a page of a channel's history, without changing anything.
--
-- KEYS   1 head  2 log
-- ARGV   1 epoch of a channel that has none  2 offset before which to read; '': the newest
--        3 how many messages at most  4 history size  5 age at which messages expire, s; 0: never
--        6 bytes of messages at most, but for the newest; 0: any
-- Returns {epoch, offset, 1 if there are older messages, entries}, the newest first.

local most_at_once = 16

local head, log = KEYS[1], KEYS[2]
local epoch = redis.call('HGET', head, 'epoch')
local offset = tonumber(redis.call('HGET', head, 'offset') or 0)
if not epoch then return {ARGV[1], 0, 0, {}} end
local time = redis.call('TIME')
local oldest_instant = time[1] + time[2] / 1000000 - tonumber(ARGV[5])
local limit, size, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])

-- What is over the size is still there until the next publish: it begins before this offset.
local surplus = redis.call('XLEN', log) - size
local first = 0
if surplus > 0 then
  local gone = redis.call('XRANGE', log, '-', '+', 'COUNT', surplus)
  first = tonumber(string.match(gone[#gone][1], '^%d+')) + 1
end

local entries, bytes = {}, 0
local start = ARGV[2] == '' and '+' or '(' .. ARGV[2] .. '-0'
while true do
  local some = redis.call('XREVRANGE', log, start, first .. '-0', 'COUNT', most_at_once)
  for _, entry in ipairs(some) do
    local record = entry[2][4] or ''
    local published_at = tonumber(string.match(record, '^%S+ (%S+)\n'))
    if ARGV[5] ~= '0' and published_at and published_at <= oldest_instant then
      return {epoch, offset, 0, entries}
    end
    bytes = bytes + #record - (string.find(record, '\n', 1, true) or 0)
    if #entries == limit or most_bytes > 0 and bytes > most_bytes and #entries > 0 then
      return {epoch, offset, 1, entries}
    end
    entries[#entries + 1] = entry
  end
  if #some < most_at_once then return {epoch, offset, 0, entries} end
  start = '(' .. some[#some][1]
end
