-- Read a channel's head and what follows a position, as one step.
--
-- KEYS   1 head  2 log
-- ARGV   1 new epoch  2 offset that was seen, -1 for none  3 its epoch
--        4 most messages for who doesn't recover, -1 for all  5 history's expiry, ms; 0: none
-- Returns {epoch, offset, entries}: those after the position when it is of this epoch, else the
-- newest; the newest first where they were counted from the end.

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  redis.call('DEL', KEYS[2])
  if tonumber(ARGV[5]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
end
local offset = tonumber(redis.call('HGET', KEYS[1], 'offset') or 0)
local seen, limit = tonumber(ARGV[2]), tonumber(ARGV[4])
local entries = {}
if seen >= 0 and ARGV[3] == epoch and seen <= offset then
  if seen < offset then entries = redis.call('XRANGE', KEYS[2], (seen + 1) .. '-0', '+') end
elseif limit < 0 then
  entries = redis.call('XRANGE', KEYS[2], '-', '+')
elseif limit > 0 then
  entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', limit)
end
return {epoch, offset, entries}
