-- Become, or stay, the process that takes in what workers emit.
--
-- KEYS   1 emits:holder  2 emits:taken
-- ARGV   1 this process's token  2 expiry, ms  3 '1': also when another one is it
--        4 id of the last entry of emits:taken that this process knows
--        5 the token that it had before
-- Returns {1 when this process is it now, what was taken in since: id, digest, …}.

local holder = redis.call('GET', KEYS[1])
local mine = 0
if not holder or holder == ARGV[1] or holder == ARGV[5] or ARGV[3] == '1' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  mine = 1
end
local answer = {mine}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[4], '+')) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][2]
end
return answer
