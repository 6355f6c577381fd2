-- Publish into any number of channels as one step: everything or nothing.
--
-- KEYS   1 sequence  2 inbox  3 lease  4 log of digests  then for each target
--        head  log  nonce
-- ARGV   1 deadline, ms of Redis's clock   2 history size   3 history's expiry, ms; 0: none
--        4 instant up to which messages have expired, s; '': none have   5 now, s
--        6 how long nonces are kept, s   7 inbox size
--        8 fencing token of the lease; '': not fenced   9 digest of what is published
--        then for each target
--        live channel  new epoch, for a channel without one  record  timestamp
--        add to history ('1')  has a nonce ('1')  add to the inbox ('1')  namespace  name  type
-- A record is "<type> <published at>\n<envelope>".
-- Repeated nonces are deduplicated: they publish nothing, and get the first receipt.
-- Returns for each target {offset or false, epoch, timestamp, duplicate}; then, if it is fenced, the
-- id of its digest in the log.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if ARGV[8] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[8] then
  return redis.error_reply('FENCED another process holds the lease')
end

local size, ttl, oldest_instant = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = tonumber(ARGV[5])

local function trim_expired(log)
  while true do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if not oldest then return end
    local published_at = tonumber(string.match(oldest[2][4], '^%S+ (%S+)\n'))
    if published_at > oldest_instant then return end
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
      if oldest_instant and offset % 64 == 0 then trim_expired(log) end
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
