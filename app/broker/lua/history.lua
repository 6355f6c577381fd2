-- The bounds of a channel's history: entries, their bytes, and their age by Redis's clock. A part of
-- other scripts, behind stream.lua.
--
-- head    has the note of the log
-- offset  of the newest message
-- bounds  {size, most_bytes, seconds}; 0 bytes or seconds: any
-- now     s

-- Bring the note up to date, if the bytes are bounded.
local function note_history(log, offset, bounds, text)
  local note = read_note(text)
  if bounds.most_bytes > 0 and note.counted ~= offset .. '-0' then
    remove_surplus(log, bounds.size)
    count_others(log, note, bounds.most_bytes)
    note.counted = offset .. '-0'
  end
  return note
end

local function trim_history(log, note, bounds, now)
  local is_old = bounds.seconds > 0 and function(entry)
    -- What is no record has no time, and goes.
    local published_at = string.match(entry[2][4] or '', '^%S+ (%S+)\n')
    return (tonumber(published_at) or 0) <= now - bounds.seconds
  end
  return trim(log, note, bounds.size, bounds.most_bytes, is_old)
end

-- Remove what is over the bounds, before it is read.
local function trim_to_read(head, log, offset, bounds, now, text)
  local note = note_history(log, offset, bounds, text)
  trim_history(log, note, bounds, now)
  -- Where Redis is full, it is counted the next time.
  if bounds.most_bytes > 0 and offset > 0 and note_text(note) ~= text then
    redis.pcall('HSET', head, 'note', note_text(note))
  end
end

local function read_bounds(a)
  return {
    size = tonumber(ARGV[a]),
    most_bytes = tonumber(ARGV[a + 1]),
    seconds = tonumber(ARGV[a + 2]),
  }
end

-- Return how many entries to read next for an answer, so that little is read that it doesn't hold.
local function next_count(entries, bytes, most_bytes)
  if most_bytes == 0 then return read_at_once end
  if entries == 0 then return 2 end
  local fitting = math.floor((most_bytes - bytes) * entries / math.max(1, bytes))
  return math.max(1, math.min(read_at_once, fitting + 1))
end

