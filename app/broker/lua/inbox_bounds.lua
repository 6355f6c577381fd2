-- Adding to the inbox, within its bounds. A part of other scripts, behind stream.lua.

-- Of those that are over the size, so many go at once.
local inbox_surplus = 100

-- Return what is noted of the inbox, brought up to date. It fails before anything is written, if
-- there is something else where the inbox should be.
local function note_inbox(inbox, hash, most_bytes)
  local known = redis.pcall('HMGET', hash, 'bytes', 'entries', 'counted')
  if known.err then  -- something else: it is made again
    redis.call('DEL', hash)
    known = {}
  end
  local note = note_of(known[1], known[2], known[3])
  if most_bytes > 0 then
    count_others(inbox, note, most_bytes)
  else
    redis.call('XLEN', inbox)
  end
  return note
end

-- Return the id up to which every group of consumers has read; nil: there is no group.
local function read_by_all(inbox)
  local groups = redis.pcall('XINFO', 'GROUPS', inbox)  -- the right to ask may be missing
  local least, least_ms, least_number
  for _, group in ipairs(groups.err and {} or groups) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' then
        local ms, number = string.match(group[i + 1], '(%d+)-(%d+)')
        ms, number = tonumber(ms), tonumber(number)
        if not least or ms < least_ms or ms == least_ms and number < least_number then
          least, least_ms, least_number = group[i + 1], ms, number
        end
      end
    end
  end
  return least
end

-- Add an entry; return how many went of those that a group of consumers had not read.
local function add_to_inbox(inbox, hash, note, size, most_bytes, ...)
  local bytes, lost = 0, 0
  for _, text in ipairs({...}) do bytes = bytes + #text end
  count(note, redis.call('XADD', inbox, '*', ...), bytes)
  if redis.call('XLEN', inbox) >= size + inbox_surplus or most_bytes > 0 and note.bytes > most_bytes then
    trim(inbox, note, size, most_bytes, nil, function(first)
      local start = read_by_all(inbox)
      while start do
        local some = redis.call('XRANGE', inbox, '(' .. start, '(' .. first, 'COUNT', read_at_once)
        lost = lost + #some
        start = #some == read_at_once and some[#some][1]
      end
    end)
  end
  if most_bytes > 0 then redis.call('HSET', hash, note_fields(note)) end
  return lost
end

