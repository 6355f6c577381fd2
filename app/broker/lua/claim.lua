-- Make a connection the owner of a session, and notify the process of the previous owner.
--
-- KEYS   1 session
-- ARGV   1 deadline, ms of Redis's clock  2 new owner  3 claimant  4 expiry, ms
--        5 prefix of the processes' Redis channels
-- An owner is "<process>:<connection>". Returns the session's record; false if there is none, or
-- it has another claimant.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if redis.call('HGET', KEYS[1], 'whose') ~= ARGV[3] then return false end
local before = redis.call('HGET', KEYS[1], 'owner')
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5] .. string.match(before, '^[^:]*'), before)
return redis.call('HGET', KEYS[1], 'record')
