-- Adding to the inbox, within its bounds. A part of other scripts, behind stream.lua.

-- Of those that are over the size, so many go at once.
local inbox_surplus = 100

-- Return what is noted of the inbox, brought up to date. It fails before anything is written, if
-- there is something else where the inbox should be.
local function note_inbox(inbox, key, most_bytes)
  local length = redis.call('XLEN', inbox)
  local text = redis.pcall('GET', key)
  if type(text) == 'table' then  -- something else: it is made again
    redis.call('DEL', key)
    text = nil
  end
  local note = read_note(text)
  if most_bytes > 0 and note.entries ~= length then count_others(inbox, note, most_bytes) end
  note.length = length
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
local function add_to_inbox(inbox, key, note, size, most_bytes, ...)
  local bytes, lost = 0, 0
  for _, text in ipairs({...}) do bytes = bytes + #text end
  count(note, redis.call('XADD', inbox, '*', ...), bytes)
  local is_over = most_bytes > 0 and note.bytes > most_bytes
  if is_over or note.length + 1 >= size + inbox_surplus then
    trim(inbox, note, size, most_bytes, nil, function(first)
      local start = read_by_all(inbox)
      while start do
        local some = redis.call('XRANGE', inbox, '(' .. start, '(' .. first, 'COUNT', read_at_once)
        lost = lost + #some
        start = #some == read_at_once and some[#some][1]
      end
    end)
  end
  if most_bytes > 0 then redis.call('SET', key, note_text(note)) end
  return lost
end

