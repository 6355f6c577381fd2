-- Give a channel whose history went back in time (an old snapshot, a replica that lagged) a new
-- epoch. What is kept stays: only positions of before mean nothing any more.
--
-- KEYS 1 head    ARGV 1 epoch that is renounced  2 new epoch
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
  return 1
end
return 0
