-- Evict connections from a channel: one, or all of a process that is gone.
--
-- KEYS   1 connections  2 joined  3 connections of the process  4 channels of the process
--        5 announced (see arrive.lua)  6 departures
-- ARGV   1 deadline, ms of Redis's clock  2 channel  3 session id; '': all of the process
-- Who was announced is away from now on, in the same step: members are told of it by another process
-- if the one that asks dies.
-- Returns the identities that leave by that.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
local left = {}
local function leave(identity)
  if redis.call('HINCRBY', KEYS[1], identity, -1) <= 0 then
    redis.call('HDEL', KEYS[1], identity)
    redis.call('ZREM', KEYS[2], identity)
    left[#left + 1] = identity
    if redis.call('ZSCORE', KEYS[5], identity) == '0' then
      redis.call('ZADD', KEYS[5], now, identity)
      redis.call('ZADD', KEYS[6], 'NX', now, ARGV[2])
    end
  end
end

if ARGV[3] ~= '' then
  local identity = redis.call('HGET', KEYS[3], ARGV[3])
  if identity then
    redis.call('HDEL', KEYS[3], ARGV[3])
    leave(identity)
  end
else
  for _, identity in ipairs(redis.call('HVALS', KEYS[3])) do leave(identity) end
  redis.call('DEL', KEYS[3])
end
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('SREM', KEYS[4], ARGV[2]) end
return left
