-- Bounds of a stream: how many entries it has at most, and how many bytes these have together. The
-- oldest go first; the newest stays, however large it is. A part of other scripts.
--
-- A note of the stream is kept beside it, so that nobody need read it for that: "<bytes> <entries>
-- <counted>"
--   bytes    of the entries; too many where others removed some (a worker, a process of an older
--            version), which shows by the number
--   entries  how many these are
--   counted  id of the newest of them

local read_at_once = 16
-- More entries over the size are there only once, after a setting was lowered.
local most_surplus = 1000

local function size_of(entry)
  local bytes = 0
  for _, text in ipairs(entry[2]) do bytes = bytes + #text end
  return bytes
end

local function read_note(text)
  local bytes, entries, counted = string.match(text or '', '^(%-?%d+) (%-?%d+) (%d+%-%d+)$')
  if not bytes then return {bytes = 0, entries = 0, counted = '0-0'} end
  return {bytes = tonumber(bytes), entries = tonumber(entries), counted = counted}
end

local function note_text(note)
  return string.format('%.0f %.0f %s', note.bytes, note.entries, note.counted)
end

local function count(note, id, bytes)
  note.bytes, note.entries, note.counted = note.bytes + bytes, note.entries + 1, id
end

-- Count what others have added since; of a stream without a note, all of it. Beyond `most_bytes`
-- there is no need, for then `trim` counts anew.
local function count_others(stream, note, most_bytes)
  local oldest, start, newest = '(' .. note.counted, '+', nil
  while true do
    local some = redis.call('XREVRANGE', stream, start, oldest, 'COUNT', read_at_once)
    for _, entry in ipairs(some) do
      newest = newest or entry[1]
      note.bytes, note.entries = note.bytes + size_of(entry), note.entries + 1
    end
    if #some < read_at_once then break end
    start = '(' .. some[#some][1]
    if note.bytes > most_bytes then
      note.entries = -1  -- not known
      break
    end
  end
  note.counted = newest or note.counted
end

-- Count anew, from the newest entry to the last that fits into `most_bytes`, and return its id.
local function count_anew(stream, note, most_bytes)
  note.bytes, note.entries = 0, 0
  local start, first = '+', nil
  while true do
    local some = redis.call('XREVRANGE', stream, start, '-', 'COUNT', read_at_once)
    for _, entry in ipairs(some) do
      local bytes = note.bytes + size_of(entry)
      if first and bytes > most_bytes then return first end
      note.bytes, note.entries, first = bytes, note.entries + 1, entry[1]
    end
    if #some < read_at_once then return first end
    start = '(' .. first
  end
end

-- Remove a great surplus without reading it; return how many entries are left.
local function remove_surplus(stream, size)
  local length = redis.call('XLEN', stream)
  if length <= size + most_surplus then return length end
  redis.call('XTRIM', stream, 'MAXLEN', size)
  return size
end

-- Remove what is over the bounds, and return whether anything was.
--
-- size               entries at most
-- most_bytes         0: any
-- is_old(entry)      whether it goes whatever the bounds; nil: none does
-- on_removal(first)  called before, with the id of the first entry that stays; may be nil
local function trim(stream, note, size, most_bytes, is_old, on_removal)
  local length, removed, start, first = remove_surplus(stream, size), false, '-', nil
  if most_bytes > 0 and note.bytes > most_bytes and note.entries ~= length then
    -- With some room: who removes one after the other must not have it counted each time.
    start = count_anew(stream, note, most_bytes - math.floor(most_bytes / 16)) or '-'
    removed, length = note.entries < length, note.entries
  end
  local some, number, count = {}, 1, math.max(1, math.min(read_at_once, length - size + 1))
  while true do
    if number > #some then
      some, number = redis.call('XRANGE', stream, start, '+', 'COUNT', count), 1
    end
    local entry = some[number]
    first = entry and entry[1]
    if not entry then break end
    local is_over = length > size or most_bytes > 0 and note.bytes > most_bytes and length > 1
    if not is_over and not (is_old and is_old(entry)) then break end
    length, note.entries, note.bytes = length - 1, note.entries - 1, note.bytes - size_of(entry)
    start, removed, number = '(' .. first, true, number + 1
  end
  if removed then
    if on_removal then on_removal(first) end
    if first then
      redis.call('XTRIM', stream, 'MINID', first)
    else
      redis.call('XTRIM', stream, 'MAXLEN', 0)
    end
  end
  return removed
end

