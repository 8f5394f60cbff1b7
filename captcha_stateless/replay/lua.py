"""The atomic steps of spending on Redis, as Lua that the server runs between two other commands.

Each begins with the same look at what the server is. Its identity is the run id, new with each start, and the
replication id, new with each promotion: where either differs from what the last spend saw, where the key that
holds it is gone (FLUSHALL), or where a caller has seen a later epoch (an older state came back), spends may
have been forgotten. A new epoch begins, and tokens issued before are refused. Every replica of ours runs this
same step, so that they agree.

The step trusts one clock only, the server's: a token issued later than that clock says is not spent yet, so
that no spend of the past can be younger than an epoch. ``clock`` holds the latest second seen and never
falls: a clock set back cannot make a token live again whose key has gone.

A spend counts in the room of its namespace, and beyond what is its own in the room that is common to all
(:mod:`captcha_stateless.replay.shares`); where neither has enough left, nothing is marked.

Result: the number of the attempt, or one of the codes below, then the epoch; after REPEATED the moment of the mark.
"""

REPEATED = 0
EXPIRED = -1
FULL = -2
EARLY = -3
SPENT = -4

_LOOK = """
local info = redis.call('INFO', 'server', 'replication')
if not info:find('role:master', 1, true) then
  return redis.error_reply('READONLY this server is a replica')
end
local server = info:match('run_id:(%w+)') .. info:match('master_replid:(%w+)')
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local iat, exp = tonumber(ARGV[1]), tonumber(ARGV[2])
local skew, margin, known = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local seen = redis.call('HMGET', KEYS[1], 'server', 'epoch', 'clock', 'settings')
if seen[4] and seen[4] ~= ARGV[6] then
  return redis.error_reply('OTHERSETTINGS these keys belong to a filter with other settings or another key')
end
local epoch, clock = tonumber(seen[2]) or 0, tonumber(seen[3]) or 0
if seen[1] ~= server or epoch < known then
  epoch = math.floor(math.max(now, clock) + margin) + 1
  redis.call('HSET', KEYS[1], 'server', server, 'epoch', epoch, 'clock', clock, 'settings', ARGV[6])
end
if now >= clock + 1 then
  clock = math.floor(now)
  redis.call('HSET', KEYS[1], 'clock', clock)
end
"""

#: What the server that holds the keys is: INFO's text. KEYS: epoch.
CHECK = "return redis.call('INFO', 'server') .. redis.call('INFO', 'memory')\n"

#: The look alone. KEYS: epoch. ARGV: 0, 0, 0, margin, known epoch, settings. Also returns the server's time, in
#: milliseconds.
LOOK = _LOOK + "return {0, epoch, math.floor(now * 1000)}\n"

#: The field of the common room; no namespace's room is called that.
COMMON = "/"

#: KEYS: epoch, room. ARGV: iat, exp, skew, margin, known epoch, settings, the namespace's room, its own marks, the common
#: ones, and when the bucket is over.
_SPEND = f"""{_LOOK}
if iat < epoch or exp + skew <= clock then return {{{EXPIRED}, epoch}} end
if iat > now + margin then return {{{EARLY}, epoch}} end
local room, whose, own, common = KEYS[2], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local found = redis.call('HMGET', room, whose, '{COMMON}')
local taken, shared = tonumber(found[1]) or 0, tonumber(found[2]) or 0
local left = math.max(0, own - taken) + math.max(0, common - shared)
local function count(marks)
  local more = math.max(0, taken + marks - math.max(taken, own))
  redis.call('HSET', room, whose, taken + marks, '{COMMON}', shared + more)
  if not found[2] then redis.call('EXPIREAT', room, ARGV[10] + skew) end
end
"""

#: KEYS: as above, then one for each attempt, whose value is its mark and moment. ARGV: as above, then that value (empty: none
#: is left), the mark, and the moments at which it is known again: the first of them, and the one after the last.
EXACT = f"""{_SPEND}
local value, mark = ARGV[11], ARGV[12]
for number = 3, #KEYS do
  local need = value == '' and 1 or #KEYS - number + 1
  if left < need and redis.call('EXISTS', KEYS[number]) == 0 then return {{{FULL}, epoch}} end
  local was = redis.call('SET', KEYS[number], value, 'NX', 'EXAT', exp + skew, 'GET')
  if not was then
    if value ~= '' then
      for rest = number + 1, #KEYS do redis.call('SET', KEYS[rest], '', 'EXAT', exp + skew) end
    end
    count(need)
    return {{number - 2, epoch}}
  end
  if #was > #mark and was:sub(1, #mark) == mark then
    local moment = tonumber(was:sub(#mark + 1))
    if moment and moment >= tonumber(ARGV[13]) and moment < tonumber(ARGV[14]) then
      return {{{REPEATED}, epoch, moment}}
    end
  end
end
return {{{SPENT}, epoch}}
"""

#: KEYS: as above, then the bucket. ARGV: as above, then the bucket's length in bits and its capacity, bits a name, how many
#: attempts there are, and each attempt's positions, after them the mark's where one is left. The bucket begins with 32 bits
#: that count what is marked in it.
COMPACT = f"""{_SPEND}
local bucket, length, capacity, hashes = KEYS[3], tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local attempts, names = tonumber(ARGV[14]), (#ARGV - 14) / hashes
if redis.call('EXISTS', bucket) == 0 then
  redis.call('SETBIT', bucket, length - 1, 0)
  redis.call('EXPIREAT', bucket, ARGV[10] + skew)
end
local counted = redis.call('BITFIELD', bucket, 'GET', 'u32', 0)[1]
local function touch(number, look)
  local bits, first = {{}}, 15 + (number - 1) * hashes
  for at = first, first + hashes - 1 do
    bits[#bits + 1] = look and 'GET' or 'SET'
    bits[#bits + 1] = 'u1'
    bits[#bits + 1] = ARGV[at]
    if not look then bits[#bits + 1] = 1 end
  end
  for _, was in ipairs(redis.call('BITFIELD', bucket, unpack(bits))) do
    if was == 0 then return true end
  end
  return false
end
for number = 1, attempts do
  local need = names > attempts and names - number + 1 or 1
  local full = left < need or counted + need > capacity
  if touch(number, full) then
    if full then return {{{FULL}, epoch}} end
    for rest = number + 1, number + need - 1 do touch(rest, false) end
    redis.call('BITFIELD', bucket, 'INCRBY', 'u32', 0, need)
    count(need)
    return {{number, epoch}}
  end
end
return {{{SPENT}, epoch}}
"""
