"""What is done in one step of the server. Every script is given the root of all keys first."""

from typing import Final

from projections.build import FIRST

_ROOT: Final = f"""
local root = KEYS[1]
local function live() return redis.call('GET', root .. ':live') or '{FIRST}' end
local function counted(name, by) redis.call('HINCRBY', root .. ':counts', name, by) end
"""

_OF_A_BUILD: Final = f"""{_ROOT}
local home = root .. ':' .. (ARGV[1] == '' and live() or ARGV[1]) .. ':'
"""

# ARGV build ('' = the live one); then tenant and chat of each.
LOAD: Final = f"""{_OF_A_BUILD}
local found, hits = {{}}, 0
for i = 2, #ARGV, 2 do
  local chat = ARGV[i] .. ':' .. ARGV[i + 1]
  local view = redis.call('GET', home .. 'chat:' .. chat)
  if view then hits = hits + 1 end
  found[i - 1] = view or ''
  found[i] = redis.call('HGET', home .. 'person:' .. chat, 'kept') or ''
end
local chats = (#ARGV - 1) / 2
counted('operations', chats)
counted('hits', hits)
counted('misses', chats - hits)
return found
"""

# ARGV '', tenant, time from which a chat is active, how many.
ACTIVE: Final = f"""{_OF_A_BUILD}
local since, found = '(' .. ARGV[3], {{}}
local chats = redis.call(
  'ZRANGE', home .. 'active:' .. ARGV[2], '+inf', since, 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[4])
for _, chat in ipairs(chats) do
  local view = redis.call('GET', home .. 'chat:' .. ARGV[2] .. ':' .. chat)
  if view then found[#found + 1] = view end
end
counted('operations', 1)
return found
"""

# ARGV '', time from which a chat is active.
STATS: Final = f"""{_OF_A_BUILD}
local chats = 0
for _, tenant in ipairs(redis.call('SMEMBERS', home .. 'tenants')) do
  chats = chats + redis.call('ZCOUNT', home .. 'active:' .. tenant, '(' .. ARGV[2], '+inf')
end
local counts = redis.call('HMGET', root .. ':counts', 'operations', 'hits', 'misses', 'errors')
return {{counts[1] or '0', counts[2] or '0', counts[3] or '0', counts[4] or '0', tostring(chats)}}
"""

LIVE: Final = f"{_ROOT} return live()"

# ARGV build, 'live' if it is to be the live one; the same for all that follows. They return a word
# unless it stands as it should: `promoted`, another has taken its place; `held`, wait; `dropped`.
_OF_A_WRITER: Final = f"""{_OF_A_BUILD}
if ARGV[2] == 'live' then
  if live() ~= ARGV[1] then return 'promoted' end
elseif redis.call('HEXISTS', root .. ':builds', ARGV[1]) == 0 then
  return 'dropped'
end
"""
_UNLESS_HELD: Final = """
if ARGV[2] == 'live' and redis.call('EXISTS', root .. ':held') == 1 then return 'held' end
"""

# ARGV … place.
POSITION: Final = f"""{_OF_A_WRITER}
return {{redis.call('HGET', home .. 'positions', ARGV[3])}}
"""

# A view that is not newer than what is stored is skipped: repeats and late writers change nothing.
# `first` is the first of seven for each: tenant, chat, number, what stays, view ('' = not shown),
# milliseconds of its end, activity.
_WRITE: Final = """
local function write(first, last, since)
  local swept = {}
  for i = first, last, 7 do
    local chat = ARGV[i] .. ':' .. ARGV[i + 1]
    local view, person, active =
      home .. 'chat:' .. chat, home .. 'person:' .. chat, home .. 'active:' .. ARGV[i]
    local stored = redis.call('HGET', person, 'seq')
    if not stored or tonumber(stored) < tonumber(ARGV[i + 2]) then
      redis.call('HSET', person, 'seq', ARGV[i + 2], 'kept', ARGV[i + 3])
      if ARGV[i + 4] ~= '' then
        redis.call('SET', view, ARGV[i + 4], 'PXAT', ARGV[i + 5])
        redis.call('ZADD', active, ARGV[i + 6], ARGV[i + 1])
        redis.call('SADD', home .. 'tenants', ARGV[i])
      else
        redis.call('DEL', view)
        redis.call('ZREM', active, ARGV[i + 1])
      end
    end
    swept[active] = true
  end
  for active in pairs(swept) do redis.call('ZREMRANGEBYSCORE', active, '-inf', since) end
  if last >= first then counted('operations', (last + 1 - first) / 7) end
end
"""

# ARGV … place ('' = no step), begin, end, time from which a chat is active, now, how many views;
# then these; then three for each fact that is to wait: key, why ('' = behind another), fact.
SAVE: Final = f"""{_OF_A_WRITER}{_UNLESS_HELD}{_WRITE}
local place, positions = ARGV[3], home .. 'positions'
if place ~= '' and (redis.call('HGET', positions, place) or '') ~= ARGV[4] then return 'moved' end
local views = 8 + 7 * tonumber(ARGV[8])
local waiting, poisoned = home .. 'waiting:' .. place, {{}}
for i = views + 1, #ARGV, 3 do
  if ARGV[i + 1] ~= '' then poisoned[ARGV[i]] = true end
end
for i = views + 1, #ARGV, 3 do
  if not poisoned[ARGV[i]] and redis.call('SISMEMBER', waiting, ARGV[i]) == 0 then
    return 'let go'
  end
end
write(9, views, ARGV[6])
for i = views + 1, #ARGV, 3 do
  redis.call('SADD', waiting, ARGV[i])
  redis.call('RPUSH', home .. 'parked:' .. place .. ':' .. ARGV[i], ARGV[i + 2])
end
if place ~= '' then
  redis.call('HSET', positions, place, ARGV[5])
  redis.call('SET', home .. 'moved', ARGV[7])
end
return ''
"""

# ARGV … place, key, time from which a chat is active, how many views; then these; then what is to
# be the first of those that wait, as it is kept.
TAKE_UP: Final = f"""{_OF_A_WRITER}{_UNLESS_HELD}{_WRITE}
local parked = home .. 'parked:' .. ARGV[3] .. ':' .. ARGV[4]
local views = 6 + 7 * tonumber(ARGV[6])
for i = views + 1, #ARGV do
  if redis.call('LINDEX', parked, i - views - 1) ~= ARGV[i] then return 'let go' end
end
write(7, views, ARGV[5])
redis.call('LTRIM', parked, #ARGV - views, -1)
if redis.call('EXISTS', parked) == 0 then
  redis.call('SREM', home .. 'waiting:' .. ARGV[3], ARGV[4])
end
return ''
"""

# ARGV … place, key, the first of those that wait, what it is from now on.
BLAME: Final = f"""{_OF_A_WRITER}
local parked = home .. 'parked:' .. ARGV[3] .. ':' .. ARGV[4]
if redis.call('LINDEX', parked, 0) == ARGV[5] then redis.call('LSET', parked, 0, ARGV[6]) end
return ''
"""

# ARGV name and record of the live build, of the new one. 'taken' if there is one of this name.
BEGIN: Final = f"""{_ROOT}
redis.call('HSETNX', root .. ':builds', ARGV[1], ARGV[2])
if redis.call('HEXISTS', root .. ':dropped', ARGV[3]) == 1 then return 'taken' end
if redis.call('HSETNX', root .. ':builds', ARGV[3], ARGV[4]) == 0 then return 'taken' end
return ''
"""

# ARGV name, record.
FINISH: Final = f"""{_ROOT}
if redis.call('HEXISTS', root .. ':builds', ARGV[1]) == 0 then return 'dropped' end
redis.call('HSET', root .. ':builds', ARGV[1], ARGV[2])
return ''
"""

# ARGV name, record.
DROP: Final = f"""{_ROOT}
if live() == ARGV[1] then return 'live' end
redis.call('HSET', root .. ':dropped', ARGV[1], ARGV[2])
redis.call('HDEL', root .. ':builds', ARGV[1])
return ''
"""

# ARGV name and record of the live build, of the other one; who holds the live one still.
# 'behind' if readers would see less than before.
PROMOTE: Final = f"""{_ROOT}
if redis.call('GET', root .. ':held') ~= ARGV[5] then return 'let go' end
if live() ~= ARGV[1] then return 'promoted' end
local builds = root .. ':builds'
if redis.call('HEXISTS', builds, ARGV[3]) == 0 then return 'dropped' end
local there = root .. ':' .. ARGV[3] .. ':positions'
local here = redis.call('HGETALL', root .. ':' .. ARGV[1] .. ':positions')
for i = 1, #here, 2 do
  if tonumber(redis.call('HGET', there, here[i]) or 0) < tonumber(here[i + 1]) then
    return 'behind'
  end
end
redis.call('HSET', builds, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('SET', root .. ':live', ARGV[3])
redis.call('DEL', root .. ':held')
return ''
"""

# ARGV key after the root, whose, milliseconds.
RENEW: Final = f"""{_ROOT}
if redis.call('GET', root .. ':' .. ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', root .. ':' .. ARGV[1], ARGV[3])
"""
RELEASE: Final = f"""{_ROOT}
if redis.call('GET', root .. ':' .. ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('DEL', root .. ':' .. ARGV[1])
"""
