-- Close a session for good, unless another connection has claimed it.
--
-- KEYS   1 session
-- ARGV   1 owner  2 for how long nobody may save it again, ms
--
-- A tombstone is left: a former owner may not know yet that it has lost the session.

if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'owner', 'over')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
