-- Publish into any number of channels as one step: everything or nothing.
--
-- KEYS   1 sequence  2 inbox  3 note of the inbox  4 lease  5 log of digests  then for each target
--        head  log  nonce
-- ARGV   1 deadline, ms of Redis's clock  2 to 4 bounds of history  5 history's expiry, ms; 0: none
--        6 how long nonces are kept, s  7 inbox size  8 bytes of the inbox at most; 0: any
--        9 fencing token of the lease; '': not fenced  10 digest of what is published
--        then for each target
--        live channel  new epoch, for a channel without one  envelope  timestamp
--        add to history ('1')  has a nonce ('1')  add to the inbox ('1')  namespace  name  type
--        compaction key; '': none
-- A record is "<type> <published at, s of Redis's clock>\n<envelope>".
-- Repeated nonces are deduplicated: they publish nothing, and get the first receipt.
-- What history doesn't keep leaves nothing of a channel.
-- Returns for each target {offset or false, epoch, timestamp, duplicate}; then, if it is fenced, the
-- id of its digest in the log; then, if that isn't 0, how many entries of the inbox went before all
-- groups of consumers had read them.

local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the process has timed out')
end
if ARGV[9] ~= '' and redis.call('GET', KEYS[4]) ~= ARGV[9] then
  return redis.error_reply('FENCED another process holds the lease')
end

local bounds, ttl, nonce_seconds = read_bounds(2), tonumber(ARGV[5]), tonumber(ARGV[6])
local inbox_size, inbox_bytes = tonumber(ARGV[7]), tonumber(ARGV[8])
local now = time[1] + time[2] / 1000000
local now_text = string.format('%d.%06d', time[1], time[2])
local lost = 0

-- The newest message with a compaction key stands for the one before it.
local function compact(head, log, note, key, offset)
  local before = redis.call('HGET', head, 'newest ' .. key)
  local entry = before and redis.call('XRANGE', log, before .. '-0', before .. '-0')[1]
  if entry then
    redis.call('XDEL', log, entry[1])
    redis.call('HINCRBY', head, 'compacted', 1)
    note.bytes, note.entries = note.bytes - size_of(entry), note.entries - 1
  end
  redis.call('HSET', head, 'newest ' .. key, offset)
end

-- Forget the compaction keys of messages that are gone.
local function forget_keys(head, log)
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local first = oldest and tonumber(string.match(oldest[1], '^%d+'))
  for _, field in ipairs(redis.call('HKEYS', head)) do
    if string.sub(field, 1, 7) == 'newest ' then
      local offset = tonumber(redis.call('HGET', head, field))
      if not first or not offset or offset < first then redis.call('HDEL', head, field) end
    end
  end
end

local function publish(head, log, nonce, a)
  local live, envelope, timestamp = ARGV[a], ARGV[a + 2], ARGV[a + 3]
  local is_kept, is_for_workers = ARGV[a + 4] == '1', ARGV[a + 6] == '1'
  if ARGV[a + 5] == '1' then
    local first = redis.call('GET', nonce)
    if first then
      local offset, epoch, at, instant = string.match(first, '^(%S+) (%S+) (%S+) (%S+)$')
      if tonumber(instant or 0) > now - nonce_seconds then
        return {offset ~= '-' and tonumber(offset), epoch, at, 1}
      end
    end
  end
  -- Everything is read first: where it can't be, nothing is written.
  local known = redis.call('HMGET', head, 'epoch', 'offset', 'note')
  local inbox_note = is_for_workers and note_inbox(KEYS[2], KEYS[3], inbox_bytes)
  local epoch = known[1] or ARGV[a + 1]
  local record = ARGV[a + 9] .. ' ' .. now_text .. '\n' .. envelope
  local sequence = redis.call('INCR', KEYS[1])
  local offset = false
  if is_kept then
    local before = known[1] and tonumber(known[2] or 0) or 0
    offset = before + 1
    if not known[1] then redis.call('DEL', log) end
    local note
    if bounds.size > 0 then
      note = note_history(log, before, bounds, known[3])
      local id = redis.call('XADD', log, offset .. '-0', 's', sequence, 'm', record)
      count(note, id, #'sm' + #tostring(sequence) + #record)
    end
    -- A channel that was joined before it had a message was to be forgotten.
    if ttl == 0 and before == 0 then redis.call('DEL', head) end
    local text = ''
    if note then
      if ARGV[a + 10] ~= '' then compact(head, log, note, ARGV[a + 10], offset) end
      local is_over = bounds.most_bytes > 0 and note.bytes > bounds.most_bytes
      if is_over or offset % 64 == 0 then trim_history(log, note, bounds, now) end
      if offset % 64 == 0 then forget_keys(head, log) end
      if bounds.most_bytes > 0 then text = note_text(note) end
    end
    redis.call('HSET', head, 'epoch', epoch, 'offset', offset, 'note', text)
    if ttl > 0 then
      redis.call('PEXPIRE', log, ttl)
      redis.call('PEXPIRE', head, ttl)
    end
  end
  redis.call('PUBLISH', live, (offset or '-') .. ' ' .. epoch .. ' ' .. sequence .. ' ' .. record)
  if ARGV[a + 5] == '1' then
    local receipt = (offset or '-') .. ' ' .. epoch .. ' ' .. timestamp .. ' ' .. now_text
    redis.call('SET', nonce, receipt, 'EX', math.ceil(nonce_seconds) + 60)
  end
  if is_for_workers then
    if offset then
      envelope = string.sub(envelope, 1, -2) .. ',"offset":' .. offset .. '}'
    end
    lost = lost + add_to_inbox(KEYS[2], KEYS[3], inbox_note, inbox_size, inbox_bytes,
      'namespace', ARGV[a + 7], 'channel', ARGV[a + 8], 'type', ARGV[a + 9], 'epoch', epoch,
      'envelope', envelope)
  end
  return {offset, epoch, timestamp, 0}
end

-- Of several, one that can't be read must not be found after others were written.
for k = 6, #KEYS > 8 and #KEYS or 0, 3 do
  redis.call('HGET', KEYS[k], 'epoch')
  redis.call('XLEN', KEYS[k + 1])
end
local receipts = {}
local a = 11
for k = 6, #KEYS, 3 do
  receipts[#receipts + 1] = publish(KEYS[k], KEYS[k + 1], KEYS[k + 2], a)
  a = a + 11
end
if ARGV[9] ~= '' then
  receipts[#receipts + 1] = redis.call('XADD', KEYS[5], 'MAXLEN', '~', 100000, '*', 'd', ARGV[10])
  redis.call('EXPIRE', KEYS[5], 600)
end
if lost > 0 then receipts[#receipts + 1] = lost end
return receipts
