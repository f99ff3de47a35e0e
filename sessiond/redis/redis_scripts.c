/* See redis_scripts.h. */
#include "sessiond/redis/redis_scripts.h"

/* Numbers become texts by hand: Redis would write the large ones as 1e+15. */
#define COMMON                                                                                     \
	"local call = redis.call\n"                                                                \
	"local time = call('TIME')\n"                                                              \
	"local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"                                \
	"local function int(n) return string.format('%.0f', n) end\n"

/*
 * A server that was started anew may have forgotten the last of what it had acknowledged: then
 * offsets count anew. HOUR: without a history, the epoch lives for a while.
 */
#define STATE                                                                                      \
	"local HOUR = 3600000\n"                                                                   \
	"local function state(run, durable, fresh)\n"                                              \
	"  local m = call('HMGET', KEYS[1], 'e', 'o', 'r', 'b')\n"                                 \
	"  if m[1] and (m[3] == run or durable == '1') then\n"                                     \
	"    return m[1], tonumber(m[2]) or 0, tonumber(m[4]) or 0\n"                              \
	"  end\n"                                                                                  \
	"  call('DEL', KEYS[2])\n"                                                                 \
	"  return fresh, 0, 0\n"                                                                   \
	"end\n"                                                                                    \
	"local function set(run, ttl, e, o, b)\n"                                                  \
	"  call('HSET', KEYS[1], 'e', e, 'o', int(o), 'r', run, 'b', int(b))\n"                    \
	"  call('PEXPIRE', KEYS[1], int(tonumber(ttl) + HOUR))\n"                                  \
	"end\n"

static const char publish[] = COMMON STATE
    "local topic, run, keeps, limit = ARGV[1], ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])\n"
    "if keeps == 0 and call('PUBSUB', 'NUMSUB', topic)[2] == 0 then return {'0', ''} end\n"
    "local e, o, b = state(run, ARGV[3], ARGV[4])\n"
    "local entry = int(now) .. ' ' .. ARGV[8]\n"
    "o = o + 1\n"
    "if keeps > 0 then\n"
    "  call('XADD', KEYS[2], int(o) .. '-0', 'd', entry)\n"
    "  local len = call('XLEN', KEYS[2])\n"
    "  b = (len == 1 and 0 or b) + #entry + 64\n"
    "  while len > 1 and (len > keeps or b > limit) do\n"
    "    local first = call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]\n"
    "    b = b - #first[2][2] - 64\n"
    "    call('XDEL', KEYS[2], first[1])\n"
    "    len = len - 1\n"
    "  end\n"
    "  call('PEXPIRE', KEYS[2], ARGV[7])\n"
    "end\n"
    "set(run, ARGV[7], e, o, b)\n"
    "call('PUBLISH', topic, 'P' .. int(o) .. ' ' .. e .. ' ' .. entry)\n"
    "return {int(o), e}\n";

static const char read[] = COMMON STATE
    "local e, o, b = state(ARGV[1], ARGV[2], ARGV[3])\n"
    "set(ARGV[1], ARGV[4], e, o, b)\n"
    "local first = o\n"
    "if ARGV[6] ~= '-' and ARGV[5] == e then\n"
    "  first = tonumber(ARGV[6]) + 1\n"
    "elseif ARGV[7] == '1' then\n"
    "  first = 1\n"
    "end\n"
    "local found = {e, int(o)}\n"
    "if o == 0 then return found end\n"
    "first = math.max(first, 1)\n"
    "for _, entry in ipairs(call('XRANGE', KEYS[2], int(math.min(first, o)) .. '-0', '+')) do\n"
    "  found[#found + 1] = entry[1]\n"
    "  found[#found + 1] = entry[2][2]\n"
    "end\n"
    "return found\n";

static const char sync[] =
    COMMON "local x, p, list = KEYS[1], KEYS[2], KEYS[3]\n"
	   "local topic, name, me, ttl = ARGV[1], ARGV[2], ARGV[3], int(now + tonumber(ARGV[5]))\n"
	   "local before = call('HGET', p, 'v') or '0'\n"
	   "local said, is_recounted = {}, false\n"
	   "local function say(kind, user, info)\n"
	   "  said[#said + 1] = kind\n"
	   "  said[#said + 1] = user\n"
	   "  said[#said + 1] = info\n"
	   "end\n"
	   "local function tell(kind, user, info)\n"
	   "  if call('HEXISTS', p, 'v') == 0 then call('HSET', p, 'v', int(now * 1000)) end\n"
	   "  local v = int(call('HINCRBY', p, 'v', 1))\n"
	   "  call('HINCRBY', p, 'n', kind == '+' and 1 or -1)\n"
	   "  call('PUBLISH', topic, kind .. v .. ' ' .. #user .. ' ' .. user .. info)\n"
	   "  say(kind, user, info)\n"
	   "end\n"
	   "local function set(user, daemons, info)\n"
	   "  call('HSET', p, '+' .. user, daemons .. ' ' .. info)\n"
	   "end\n"
	   "local function get(user)\n"
	   "  local found = call('HGET', p, '+' .. user)\n"
	   "  if not found then return nil end\n"
	   "  local daemons, info = string.match(found, '^(%d+) (.*)$')\n"
	   "  return tonumber(daemons), info\n"
	   "end\n"
	   "local function part(user)\n"
	   "  local daemons, info = get(user)\n"
	   "  if not daemons then return end\n"
	   "  if daemons > 1 then\n"
	   "    set(user, daemons - 1, info)\n"
	   "  else\n"
	   "    call('HDEL', p, '+' .. user)\n"
	   "    tell('-', user, info)\n"
	   "  end\n"
	   "end\n"
	   "local function join(user, info)\n"
	   "  if call('ZADD', x, ttl, me .. user) == 0 then return end\n"
	   "  local daemons, known = get(user)\n"
	   "  if daemons then\n"
	   "    set(user, daemons + 1, known)\n"
	   "  else\n"
	   "    set(user, 1, info)\n"
	   "    tell('+', user, info)\n"
	   "  end\n"
	   "end\n"
	   "local function count(daemon, n)\n"
	   "  local old = tonumber(call('HGET', p, '=' .. daemon)) or 0\n"
	   "  if n == old then return end\n"
	   "  is_recounted = true\n"
	   "  call('HINCRBY', p, 't', int(n - old))\n"
	   "  if n > 0 then\n"
	   "    call('HSET', p, '=' .. daemon, int(n))\n"
	   "  else\n"
	   "    call('HDEL', p, '=' .. daemon)\n"
	   "  end\n"
	   "end\n"
	   "local expired = call('ZRANGEBYSCORE', x, '-inf', int(now), 'LIMIT', 0, 1000)\n"
	   "for _, entry in ipairs(expired) do\n"
	   "  call('ZREM', x, entry)\n"
	   "  if #entry == 16 then count(entry, 0) else part(string.sub(entry, 17)) end\n"
	   "end\n"
	   "local mine = tonumber(ARGV[4])\n"
	   "if mine then\n"
	   "  count(me, mine)\n"
	   "  if mine > 0 then call('ZADD', x, ttl, me) else call('ZREM', x, me) end\n"
	   "end\n"
	   "local parts = tonumber(ARGV[7])\n"
	   "for i = 8, 7 + parts do\n"
	   "  if call('ZREM', x, me .. ARGV[i]) == 1 then part(ARGV[i]) end\n"
	   "end\n"
	   "for i = 8 + parts, #ARGV, 2 do join(ARGV[i], ARGV[i + 1]) end\n"
	   "local total = tonumber(call('HGET', p, 't')) or 0\n"
	   "local left = call('ZCARD', x)\n"
	   "if total <= 0 then\n"
	   "  if left == 0 and call('ZREM', list, name) == 1 then say('V', '', '') end\n"
	   "elseif mine and mine > 0 then\n"
	   "  if call('ZADD', list, ttl, name) == 1 then say('O', '', '') end\n"
	   "  call('PEXPIRE', list, 3600000)\n"
	   "end\n"
	   "if is_recounted then call('PUBLISH', topic, '#' .. int(total)) end\n"
	   "local v, users = call('HGET', p, 'v') or '0', {}\n"
	   "local known = ARGV[6]\n"
	   "local wanted = known ~= '-' and (known == '0' or before ~= known)\n"
	   "if wanted then\n"
	   "  local all = call('HGETALL', p)\n"
	   "  for i = 1, #all, 2 do\n"
	   "    if string.sub(all[i], 1, 1) == '+' then\n"
	   "      users[#users + 1] = string.sub(all[i], 2)\n"
	   "      users[#users + 1] = string.match(all[i + 1], '^%d+ (.*)$')\n"
	   "    end\n"
	   "  end\n"
	   "end\n"
	   "if left == 0 then\n"
	   "  call('DEL', p)\n"
	   "else\n"
	   "  call('PEXPIRE', x, 600000)\n"
	   "  call('PEXPIRE', p, 600000)\n"
	   "end\n"
	   "return {v, int(total), said, wanted and 1 or 0, users}\n";

const char *const redis_scripts[REDIS_SCRIPTS] = {publish, read, sync};
