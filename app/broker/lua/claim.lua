-- Make a connection the owner of a session.
--
-- KEYS   1 session
-- ARGV   1 deadline, ms of Redis's clock  2 owner  3 whose it must be  4 expiry, ms
-- Returns its record; false where there is none, or it is somebody else's.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the claimant has given up')
end
if redis.call('HGET', KEYS[1], 'whose') ~= ARGV[3] then return false end
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return redis.call('HGET', KEYS[1], 'record')
