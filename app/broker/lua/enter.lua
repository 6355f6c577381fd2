-- Add a connection to a channel.
--
-- KEYS   1 connections  2 joined  3 connections of this process  4 channels of this process
--        5 processes
-- ARGV   1 deadline, ms of Redis's clock  2 session id  3 identity  4 now, s  5 expiry, s  6 channel
--        7 process
-- Returns 1 if its identity joins by that.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
local joins = 0
if redis.call('HSETNX', KEYS[3], ARGV[2], ARGV[3]) == 1 then
  joins = redis.call('HINCRBY', KEYS[1], ARGV[3], 1) == 1 and 1 or 0
  if joins == 1 then
    -- Identities that join in one instant keep their order.
    local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
    local at = tonumber(ARGV[4])
    if last and tonumber(last) >= at then at = tonumber(last) + 0.000001 end
    redis.call('ZADD', KEYS[2], string.format('%.6f', at), ARGV[3])
  end
end
redis.call('SADD', KEYS[4], ARGV[6])
-- A process that dies before its first heartbeat must be detected, too.
redis.call('ZADD', KEYS[5], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[7])
for k = 1, 5 do redis.call('EXPIRE', KEYS[k], ARGV[5]) end
return joins
