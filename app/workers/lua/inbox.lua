-- Add a message to the inbox alone, once for its nonce.
--
-- KEYS   1 inbox  2 head of the channel  3 nonce
-- ARGV   1 deadline, ms of Redis's clock  2 inbox size  3 has a nonce ('1')  4 timestamp
--        5 how long nonces are kept, s  6 namespace  7 name  8 type  9 envelope
-- A receipt is kept under the nonce as `publish.lua` does, so the two share nonces.
-- Returns {epoch, timestamp, duplicate}.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if ARGV[3] == '1' then
  local first = redis.call('GET', KEYS[3])
  if first then
    local epoch, at, instant = string.match(first, '^%S+ (%S+) (%S+) (%S+)$')
    if tonumber(instant) > time[1] - tonumber(ARGV[5]) then return {epoch, at, 1} end
  end
end
-- A channel in which nothing was published has no epoch yet.
local epoch = redis.call('HGET', KEYS[2], 'epoch') or '-'
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'namespace', ARGV[6], 'channel', ARGV[7],
  'type', ARGV[8], 'epoch', epoch == '-' and '' or epoch, 'envelope', ARGV[9])
if ARGV[3] == '1' then
  local receipt = '- ' .. epoch .. ' ' .. ARGV[4] .. ' ' .. time[1]
  redis.call('SET', KEYS[3], receipt, 'EX', math.ceil(ARGV[5]) + 60)
end
return {epoch, ARGV[4], 0}
