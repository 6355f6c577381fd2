-- Acquire, renew or release the lease of the leader, and read the log of what was ingested.
--
-- KEYS   1 lease  2 log of digests  3 processes that are caught up
-- ARGV   1 process  2 its fencing token from now on: '<process>-…'  3 expiry of the lease, ms
--        4 '1': it can lead; '0': it releases the lease  5 '1': it is caught up
--        6 '1': acquire the lease even if another process holds it
--        7 id of the last entry of the log that it has read; '': none  8 '1': that entry existed
--        9 its own Redis channel  10 echo to publish there  11 expiry of the log, s
-- Returns {1 if it holds the lease, 0 if the last entry that it has read is gone, id of the last
-- entry that it has read now, then id and digest of each new entry}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The echo arrives after whatever was published until now.
redis.call('PUBLISH', ARGV[9], ARGV[10])

-- While a process is caught up, no other process leads: it would miss what was emitted before.
if ARGV[4] == '1' and ARGV[5] == '1' then
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  redis.call('EXPIRE', KEYS[3], 60)
else
  redis.call('ZREM', KEYS[3], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3] + 500)

local token = redis.call('GET', KEYS[1])
local ours = token and string.sub(token, 1, #ARGV[1] + 1) == ARGV[1] .. '-'
local able = ARGV[4] == '1' and (ARGV[5] == '1' or redis.call('ZCARD', KEYS[3]) == 0)
local leads = 0
if able and (ours or not token) or ARGV[4] == '1' and ARGV[6] == '1' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  leads = 1
elseif ours then
  redis.call('DEL', KEYS[1])
end

local known, there = ARGV[7], 1
local from
if known == '' then
  from = '-'
elseif ARGV[8] == '1' and #redis.call('XRANGE', KEYS[2], known, known) == 0 then
  there, from = 0, '-'
else
  from = '(' .. known
end
local reply = {leads, there, known}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, '+')) do
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = entry[2][2]
  reply[3] = entry[1]
end
redis.call('EXPIRE', KEYS[2], ARGV[11])
return reply
