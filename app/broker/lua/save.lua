-- Store a session, unless another connection has claimed it.
--
-- KEYS   1 session
-- ARGV   1 owner  2 claimant  3 record  4 expiry, ms
-- Returns 1 if it is still its owner's.

local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'whose', ARGV[2], 'record', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
