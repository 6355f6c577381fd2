-- Read a page of a channel's history. Of a channel that isn't there it leaves nothing.
--
-- KEYS   1 head  2 log
-- ARGV   1 epoch of a channel that has none  2 offset before which to read; '': the newest
--        3 how many messages at most  4 to 6 bounds of history
--        7 bytes of messages at most, but for the newest; 0: any
-- Returns {epoch, offset, 1 if there are older messages, entries}, the newest first.

local head, log = KEYS[1], KEYS[2]
local known = redis.call('HMGET', head, 'epoch', 'offset', 'note')
local epoch, offset = known[1], tonumber(known[2] or 0)
if not epoch then return {ARGV[1], 0, 0, {}} end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
trim_to_read(head, log, offset, read_bounds(4), now, known[3])
local limit, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[7])

local entries, bytes = {}, 0
local start = ARGV[2] == '' and '+' or '(' .. ARGV[2] .. '-0'
while true do
  local count = next_count(#entries, bytes, most_bytes)
  local some = redis.call('XREVRANGE', log, start, '-', 'COUNT', count)
  for _, entry in ipairs(some) do
    local record = entry[2][4] or ''
    bytes = bytes + #record - (string.find(record, '\n', 1, true) or 0)
    if #entries == limit or most_bytes > 0 and bytes > most_bytes and #entries > 0 then
      return {epoch, offset, 1, entries}
    end
    entries[#entries + 1] = entry
  end
  if #some < count then return {epoch, offset, 0, entries} end
  start = '(' .. some[#some][1]
end
