-- Add a message to the inbox alone, once for its nonce.
--
-- KEYS   1 inbox  2 note of the inbox  3 head of the channel  4 nonce
-- ARGV   1 deadline, ms of Redis's clock  2 inbox size  3 bytes of the inbox at most; 0: any
--        4 has a nonce ('1')  5 timestamp  6 how long nonces are kept, s  7 namespace  8 name  9 type
--        10 envelope
-- A receipt is kept under the nonce as `publish.lua` does, so the two share nonces.
-- Returns {epoch, timestamp, duplicate, number of entries that went before all groups of consumers
-- had read them}.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if ARGV[4] == '1' then
  local first = redis.call('GET', KEYS[4])
  if first then
    local epoch, at, instant = string.match(first, '^%S+ (%S+) (%S+) (%S+)$')
    if tonumber(instant or 0) > time[1] - tonumber(ARGV[6]) then return {epoch, at, 1, 0} end
  end
end
-- A channel in which nothing was published has no epoch yet.
local epoch = redis.call('HGET', KEYS[3], 'epoch') or '-'
local size, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local note = note_inbox(KEYS[1], KEYS[2], most_bytes)
local lost = add_to_inbox(KEYS[1], KEYS[2], note, size, most_bytes,
  'namespace', ARGV[7], 'channel', ARGV[8], 'type', ARGV[9],
  'epoch', epoch == '-' and '' or epoch, 'envelope', ARGV[10])
if ARGV[4] == '1' then
  local receipt = '- ' .. epoch .. ' ' .. ARGV[5] .. ' ' .. time[1]
  redis.call('SET', KEYS[4], receipt, 'EX', math.ceil(ARGV[6]) + 60)
end
return {epoch, ARGV[5], 0, lost}
