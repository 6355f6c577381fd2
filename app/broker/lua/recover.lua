-- Read a channel's head and what follows a position, as one step.
--
-- KEYS   1 head  2 log
-- ARGV   1 new epoch, for a channel without one  2 offset to recover from; -1: none  3 its epoch
--        4 how many of the newest messages to read if that can't be; -1: all
--        5 history's expiry, ms; 0: none
-- Returns {epoch, offset, entries}: those after the position if it is of this epoch, else the
-- newest, which come newest first if they are limited.

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  redis.call('DEL', KEYS[2])
  if tonumber(ARGV[5]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
end
local offset = tonumber(redis.call('HGET', KEYS[1], 'offset') or 0)
local since, limit = tonumber(ARGV[2]), tonumber(ARGV[4])
local entries = {}
if since >= 0 and ARGV[3] == epoch and since <= offset then
  if since < offset then entries = redis.call('XRANGE', KEYS[2], (since + 1) .. '-0', '+') end
elseif limit < 0 then
  entries = redis.call('XRANGE', KEYS[2], '-', '+')
elseif limit > 0 then
  entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', limit)
end
return {epoch, offset, entries}
