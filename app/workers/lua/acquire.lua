-- Become, or stay, the process that takes in what workers emit; learn what was taken in.
--
-- KEYS   1 emits:holder  2 emits:taken  3 emits:whole
-- ARGV   1 process  2 the token that it holds the lease by from now on: '<process>-…'
--        3 expiry of the lease, ms  4 whether it can: '1', '0' gives up a lease
--        5 '1': it has heard all that is to be taken in  6 '1': take the lease from another
--        7 id of the last entry of emits:taken that it knows; '' none  8 '1': that entry existed
--        9 how far back to read where it knows none, ms  10 its own Redis channel  11 echo
--        12 expiry of emits:taken, s
-- Returns {1 when it holds the lease, 0 when the entry that it knows is gone, the id up to which it
-- knows them now, what was taken in since: id, digest, …}.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Comes after whatever was published until now.
redis.call('PUBLISH', ARGV[10], ARGV[11])

-- Where somebody has heard all, nobody else takes in: it would leave out what came before.
if ARGV[4] == '1' and ARGV[5] == '1' then
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  redis.call('EXPIRE', KEYS[3], 60)
else
  redis.call('ZREM', KEYS[3], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3] + 500)

local holder = redis.call('GET', KEYS[1])
local ours = holder and string.sub(holder, 1, #ARGV[1] + 1) == ARGV[1] .. '-'
local able = ARGV[4] == '1' and (ARGV[5] == '1' or redis.call('ZCARD', KEYS[3]) == 0)
local mine = 0
if able and (ours or not holder) or ARGV[4] == '1' and ARGV[6] == '1' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  mine = 1
elseif ours then
  redis.call('DEL', KEYS[1])
end

local known, there = ARGV[7], 1
local from
if known == '' then
  known = (now - ARGV[9]) .. '-0'
  from = known
elseif ARGV[8] == '1' and #redis.call('XRANGE', KEYS[2], known, known) == 0 then
  there, from = 0, '-'
else
  from = '(' .. known
end
local answer = {mine, there, known}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, '+')) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][2]
  answer[3] = entry[1]
end
redis.call('EXPIRE', KEYS[2], ARGV[12])
return answer
