-- Restore the presence of a channel of which Redis has evicted a part.
--
-- KEYS   1 connections  2 joined  3 connections of this process  4 channels of this process
--        then connections of each other process
-- ARGV   1 deadline, ms of Redis's clock  2 now, s  3 expiry, s  4 channel
--        then session id and identity of each connection of this process
-- What is counted again is what the processes have; each adds its own when it comes here.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
for a = 5, #ARGV, 2 do redis.call('HSETNX', KEYS[3], ARGV[a], ARGV[a + 1]) end
redis.call('SADD', KEYS[4], ARGV[4])

local counts = {}
for k = 3, #KEYS do
  if k ~= 4 then
    for _, identity in ipairs(redis.call('HVALS', KEYS[k])) do
      counts[identity] = (counts[identity] or 0) + 1
    end
  end
end
redis.call('DEL', KEYS[1])
for _, identity in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not counts[identity] then redis.call('ZREM', KEYS[2], identity) end
end
for identity, count in pairs(counts) do
  redis.call('HSET', KEYS[1], identity, count)
  redis.call('ZADD', KEYS[2], 'NX', ARGV[2], identity)
end
for k = 1, 4 do redis.call('EXPIRE', KEYS[k], ARGV[3]) end
return 1
