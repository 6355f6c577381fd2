-- Give a channel whose history went back in time (an old snapshot, a replica that lagged) a new
-- epoch. The history stays, but it isn't known which of it members have received: the new epoch
-- begins after it.
--
-- KEYS   1 head
-- ARGV   1 epoch to invalidate  2 new epoch
-- Returns 1 if the channel was in that epoch.

if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  local offset = redis.call('HGET', KEYS[1], 'offset') or 0
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'beginning', offset)
  return 1
end
return 0
