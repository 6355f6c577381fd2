-- Publish into one channel or several, as one step: everything or nothing.
--
-- KEYS   1 sequence  2 inbox  3 emits:holder  4 emits:taken  then for each target
--        head  log  nonce
-- ARGV   1 deadline, ms of Redis's clock   2 history size   3 history's expiry, ms; 0: none
--        4 instant before which messages have aged, s; '' none   5 now, s   6 nonces' age, s
--        7 inbox size   8 holder of the emits, '' where it is no emit   9 its digest
--        then for each target
--        live channel  new epoch  record  timestamp  kept ('1')  nonce ('1')  to the inbox ('1')
--        namespace  name  type
-- A record is "<type> <published at>\n<envelope>".
-- Returns for each target {offset or false, epoch, timestamp, duplicate}; of an emit, at last, the
-- id of its digest in emits:taken.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the publisher has given up')
end
if ARGV[8] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[8] then
  return redis.error_reply('FENCED another process takes in what is emitted')
end

local size, ttl, aged, now = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function trim_aged(log)
  while true do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if not oldest then return end
    local published_at = tonumber(string.match(oldest[2][4], '^%S+ (%S+)\n'))
    if published_at > aged then return end
    redis.call('XDEL', log, oldest[1])
  end
end

local function publish(head, log, nonce, a)
  local live, record, timestamp = ARGV[a], ARGV[a + 2], ARGV[a + 3]
  if ARGV[a + 5] == '1' then
    local first = redis.call('GET', nonce)
    if first then
      local offset, epoch, at, instant = string.match(first, '^(%S+) (%S+) (%S+) (%S+)$')
      if tonumber(instant) > now - tonumber(ARGV[6]) then
        return {offset ~= '-' and tonumber(offset), epoch, at, 1}
      end
    end
  end
  local epoch = redis.call('HGET', head, 'epoch')
  if not epoch then
    epoch = ARGV[a + 1]
    redis.call('HSET', head, 'epoch', epoch)
    redis.call('DEL', log)
  end
  local sequence = redis.call('INCR', KEYS[1])
  local offset = false
  if ARGV[a + 4] == '1' then
    offset = redis.call('HINCRBY', head, 'offset', 1)
    if size > 0 then
      redis.call('XADD', log, 'MAXLEN', '~', size, offset .. '-0', 's', sequence, 'm', record)
      if aged and offset % 64 == 0 then trim_aged(log) end
      if ttl > 0 then redis.call('PEXPIRE', log, ttl) end
    end
  end
  if ttl > 0 then redis.call('PEXPIRE', head, ttl) end
  redis.call('PUBLISH', live, (offset or '-') .. ' ' .. epoch .. ' ' .. sequence .. ' ' .. record)
  if ARGV[a + 5] == '1' then
    local receipt = (offset or '-') .. ' ' .. epoch .. ' ' .. timestamp .. ' ' .. ARGV[5]
    redis.call('SET', nonce, receipt, 'EX', math.ceil(ARGV[6]) + 60)
  end
  if ARGV[a + 6] == '1' then
    local envelope = string.sub(record, string.find(record, '\n', 1, true) + 1)
    if offset then
      envelope = string.sub(envelope, 1, -2) .. ',"offset":' .. offset .. '}'
    end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'namespace', ARGV[a + 7],
      'channel', ARGV[a + 8], 'type', ARGV[a + 9], 'epoch', epoch, 'envelope', envelope)
  end
  return {offset, epoch, timestamp, 0}
end

local receipts = {}
local a = 10
for k = 5, #KEYS, 3 do
  receipts[#receipts + 1] = publish(KEYS[k], KEYS[k + 1], KEYS[k + 2], a)
  a = a + 10
end
if ARGV[8] ~= '' then
  receipts[#receipts + 1] = redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100000, '*', 'd', ARGV[9])
  redis.call('EXPIRE', KEYS[4], 600)
end
return receipts
