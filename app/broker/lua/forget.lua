-- End a session, unless another connection has claimed it.
--
-- KEYS   1 session
-- ARGV   1 owner

if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
