-- Remove from a channel's history what is over its size, or has expired by Redis's clock; and the
-- compaction keys of messages that are gone. A part of other scripts.
--
-- size     messages at most
-- seconds  their age at most; 0: any
-- now      s
local function trim(head, log, size, seconds, now)
  if redis.call('XLEN', log) > size then redis.call('XTRIM', log, 'MAXLEN', size) end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  while oldest and seconds > 0 do
    -- What is no record has no time, and goes.
    local published_at = string.match(oldest[2][4] or '', '^%S+ (%S+)\n')
    if (tonumber(published_at) or 0) > now - seconds then break end
    redis.call('XDEL', log, oldest[1])
    oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  end
  local first = oldest and tonumber(string.match(oldest[1], '^%d+'))
  for _, field in ipairs(redis.call('HKEYS', head)) do
    if string.sub(field, 1, 7) == 'newest ' then
      local offset = tonumber(redis.call('HGET', head, field))
      if not first or offset < first then redis.call('HDEL', head, field) end
    end
  end
end

