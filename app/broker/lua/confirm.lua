-- Note that the arrival of an agent is published.
--
-- KEYS   1 announcing (see arrive.lua)
-- ARGV   1 identity  2 mark of the arrival

if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
