-- Make a connection the owner of a session, and tell the process of the one before.
--
-- KEYS   1 session
-- ARGV   1 deadline, ms of Redis's clock  2 owner  3 whose it must be  4 expiry, ms
--        5 what the Redis channels of processes begin with
-- An owner is "<process>:<connection>". Returns the session's record; false where there is none, or
-- it is somebody else's.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the claimant has given up')
end
if redis.call('HGET', KEYS[1], 'whose') ~= ARGV[3] then return false end
local before = redis.call('HGET', KEYS[1], 'owner')
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5] .. string.match(before, '^[^:]*'), before)
return redis.call('HGET', KEYS[1], 'record')
