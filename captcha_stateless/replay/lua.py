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
(:mod:`captcha_stateless.replay.shares`); where neither has any left, nothing is marked.

Result: the number of the attempt, or one of the codes below, then the epoch.
"""

SPENT = 0
EXPIRED = -1
FULL = -2
EARLY = -3

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
local full = taken >= own and shared >= common
local function count()
  redis.call('HSET', room, whose, taken + 1, '{COMMON}', shared + (taken >= own and 1 or 0))
  if not found[2] then redis.call('EXPIREAT', room, ARGV[10] + skew) end
end
"""

#: KEYS: as above, then one for each attempt.
EXACT = f"""{_SPEND}
for number = 3, #KEYS do
  if full then
    if redis.call('EXISTS', KEYS[number]) == 0 then return {{{FULL}, epoch}} end
  elseif redis.call('SET', KEYS[number], '', 'NX', 'EXAT', exp + skew) then
    count()
    return {{number - 2, epoch}}
  end
end
return {{{SPENT}, epoch}}
"""

#: KEYS: as above, then the bucket. ARGV: as above, then the bucket's length in bits and its capacity, bits an attempt, and
#: each attempt's positions. The bucket begins with 32 bits that count its attempts.
COMPACT = f"""{_SPEND}
local bucket, length, capacity, hashes = KEYS[3], tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
if redis.call('EXISTS', bucket) == 0 then
  redis.call('SETBIT', bucket, length - 1, 0)
  redis.call('EXPIREAT', bucket, ARGV[10] + skew)
end
full = full or redis.call('BITFIELD', bucket, 'GET', 'u32', 0)[1] >= capacity
local number = 0
for first = 14, #ARGV, hashes do
  number = number + 1
  local bits = {{}}
  for at = first, first + hashes - 1 do
    bits[#bits + 1] = full and 'GET' or 'SET'
    bits[#bits + 1] = 'u1'
    bits[#bits + 1] = ARGV[at]
    if not full then bits[#bits + 1] = 1 end
  end
  local fresh = false
  for _, was in ipairs(redis.call('BITFIELD', bucket, unpack(bits))) do fresh = fresh or was == 0 end
  if fresh and full then return {{{FULL}, epoch}} end
  if fresh then
    redis.call('BITFIELD', bucket, 'INCRBY', 'u32', 0, 1)
    count()
    return {{number, epoch}}
  end
end
return {{{SPENT}, epoch}}
"""
