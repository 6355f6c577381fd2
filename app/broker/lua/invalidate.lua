-- Give a channel whose history went back in time (an old snapshot, a replica that lagged) a new
-- epoch. What is kept stays, but nothing tells which of it members have had: the epoch begins after.
--
-- KEYS 1 head    ARGV 1 epoch that is renounced  2 new epoch
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  local offset = redis.call('HGET', KEYS[1], 'offset') or 0
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'beginning', offset)
  return 1
end
return 0
