-- Publish into any number of channels as one step: everything or nothing.
--
-- KEYS   1 sequence  2 inbox  3 lease  4 log of digests  then for each target
--        head  log  nonce
-- ARGV   1 deadline, ms of Redis's clock  2 history size  3 history's expiry, ms; 0: none
--        4 age at which messages expire, s; 0: never  5 how long nonces are kept, s  6 inbox size
--        7 fencing token of the lease; '': not fenced  8 digest of what is published
--        then for each target
--        live channel  new epoch, for a channel without one  envelope  timestamp
--        add to history ('1')  has a nonce ('1')  add to the inbox ('1')  namespace  name  type
--        compaction key; '': none
-- A record is "<type> <published at, s of Redis's clock>\n<envelope>".
-- Repeated nonces are deduplicated: they publish nothing, and get the first receipt.
-- Returns for each target {offset or false, epoch, timestamp, duplicate}; then, if it is fenced, the
-- id of its digest in the log.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if ARGV[7] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[7] then
  return redis.error_reply('FENCED another process holds the lease')
end

local size, ttl, seconds = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = time[1] + time[2] / 1000000
local now_text = string.format('%d.%06d', time[1], time[2])

-- The newest message with a compaction key stands for the one before it.
local function compact(head, log, key, offset)
  local before = redis.call('HGET', head, 'newest ' .. key)
  if before and redis.call('XDEL', log, before .. '-0') == 1 then
    redis.call('HINCRBY', head, 'compacted', 1)
  end
  redis.call('HSET', head, 'newest ' .. key, offset)
end

local function publish(head, log, nonce, a)
  local live, envelope, timestamp = ARGV[a], ARGV[a + 2], ARGV[a + 3]
  if ARGV[a + 5] == '1' then
    local first = redis.call('GET', nonce)
    if first then
      local offset, epoch, at, instant = string.match(first, '^(%S+) (%S+) (%S+) (%S+)$')
      if tonumber(instant) > now - tonumber(ARGV[5]) then
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
  local record = ARGV[a + 9] .. ' ' .. now_text .. '\n' .. envelope
  local sequence = redis.call('INCR', KEYS[1])
  local offset = false
  if ARGV[a + 4] == '1' then
    offset = redis.call('HINCRBY', head, 'offset', 1)
    if size > 0 then
      redis.call('XADD', log, offset .. '-0', 's', sequence, 'm', record)
      if ARGV[a + 10] ~= '' then compact(head, log, ARGV[a + 10], offset) end
      if offset % 64 == 0 then trim(head, log, size, seconds, now) end
      if ttl > 0 then redis.call('PEXPIRE', log, ttl) end
    end
  end
  if ttl > 0 then redis.call('PEXPIRE', head, ttl) end
  redis.call('PUBLISH', live, (offset or '-') .. ' ' .. epoch .. ' ' .. sequence .. ' ' .. record)
  if ARGV[a + 5] == '1' then
    local receipt = (offset or '-') .. ' ' .. epoch .. ' ' .. timestamp .. ' ' .. now_text
    redis.call('SET', nonce, receipt, 'EX', math.ceil(ARGV[5]) + 60)
  end
  if ARGV[a + 6] == '1' then
    if offset then
      envelope = string.sub(envelope, 1, -2) .. ',"offset":' .. offset .. '}'
    end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'namespace', ARGV[a + 7],
      'channel', ARGV[a + 8], 'type', ARGV[a + 9], 'epoch', epoch, 'envelope', envelope)
  end
  return {offset, epoch, timestamp, 0}
end

local receipts = {}
local a = 9
for k = 5, #KEYS, 3 do
  receipts[#receipts + 1] = publish(KEYS[k], KEYS[k + 1], KEYS[k + 2], a)
  a = a + 11
end
if ARGV[7] ~= '' then
  receipts[#receipts + 1] = redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100000, '*', 'd', ARGV[8])
  redis.call('EXPIRE', KEYS[4], 600)
end
return receipts
