//! The scripts. Redis runs each whole and alone; each looks first and then writes, so
//! that an error has changed nothing.

use std::sync::LazyLock;

use redis::Script;

/// KEYS: keyring. ARGV: layout, expected version or "", new version, document, channel.
/// Answers {1} if done, {0, version} if another is there, {2, layout} if it is not ours.
pub(super) static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local found = redis.call('HMGET', KEYS[1], 'layout', 'version')
         local there = redis.call('EXISTS', KEYS[1]) == 1
         if there and found[1] ~= ARGV[1] then return {2, found[1]} end
         if (found[2] or '') ~= ARGV[2] then return {0, found[2]} end
         redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'version', ARGV[3], 'document', ARGV[4])
         redis.call('PUBLISH', ARGV[5], 'keyring')
         return {1}",
    )
});

/// KEYS: material. ARGV: address, bytes. Answers 1 if there was something, and it is replaced.
pub(super) static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
         return 1",
    )
});

/// What every script of the list begins with, and how it answers with the head.
const HEAD: &str = "
local function head()
  local h = redis.call('HMGET', KEYS[1], 'layout', 'list', 'key', 'epoch', 'seq', 'base', 'observed')
  h[8] = redis.call('ZCARD', KEYS[2])
  return h
end
local function observe(now)
  local old = tonumber(redis.call('HGET', KEYS[1], 'observed'))
  local new = tonumber(now)
  if new > old and new <= old + 604800 then
    redis.call('HSET', KEYS[1], 'observed', string.format('%.0f', new))
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then return {0} end
if redis.call('HGET', KEYS[1], 'layout') ~= ARGV[1] then return {2, head()} end
";

fn over_head(rest: &str) -> Script {
    Script::new(&format!("{HEAD}{rest}"))
}

/// KEYS: list. ARGV: layout, list, key, observed, channel. Answers 1 if made.
pub(super) static CREATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
         redis.call('DEL', KEYS[2])
         redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'list', ARGV[2], 'key', ARGV[3],
           'epoch', '1', 'seq', '0', 'base', '0', 'observed', ARGV[4])
         redis.call('PUBLISH', ARGV[5], 'list')
         return 1",
    )
});

/// ARGV: layout.
pub(super) static READ_HEAD: LazyLock<Script> = LazyLock::new(|| over_head("return {1, head()}"));

/// ARGV: layout, after, most entries, most bytes. Answers the head, whether these are
/// the last, and members, each with its number in front.
pub(super) static PAGE: LazyLock<Script> = LazyLock::new(|| {
    over_head(
        "local members = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[2], '+inf',
           'LIMIT', '0', tostring(tonumber(ARGV[3]) + 1))
         local page, bytes = {}, 0
         for i = 1, #members do
           bytes = bytes + #members[i]
           if i > tonumber(ARGV[3]) or (i > 1 and bytes > tonumber(ARGV[4])) then
             return {1, head(), 0, page}
           end
           page[i] = members[i]
         end
         return {1, head(), 1, page}",
    )
});

/// ARGV: layout, now, room for, most, channel, entries.
pub(super) static APPEND: LazyLock<Script> = LazyLock::new(|| {
    over_head(
        "if redis.call('ZCARD', KEYS[2]) + tonumber(ARGV[3]) > tonumber(ARGV[4]) then
           return {3}
         end
         local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
         for i = 6, #ARGV do
           seq = seq + 1
           redis.call('ZADD', KEYS[2], seq, struct.pack('>I8', seq) .. ARGV[i])
         end
         redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq))
         observe(ARGV[2])
         redis.call('PUBLISH', ARGV[5], 'list')
         return {1, head()}",
    )
});

/// ARGV: layout, base, channel, number of replaced ones, then their numbers and entries
/// in turn, then the numbers of removed ones.
pub(super) static REWRITE: LazyLock<Script> = LazyLock::new(|| {
    over_head(
        "if redis.call('HGET', KEYS[1], 'base') ~= ARGV[2] then return {3} end
         local at = 5
         for i = 1, tonumber(ARGV[4]) do
           local seq = ARGV[at]
           if redis.call('ZREMRANGEBYSCORE', KEYS[2], seq, seq) > 0 then
             redis.call('ZADD', KEYS[2], seq, struct.pack('>I8', tonumber(seq)) .. ARGV[at + 1])
           end
           at = at + 2
         end
         for i = at, #ARGV do
           redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[i], ARGV[i])
         end
         local seq = string.format('%.0f', tonumber(redis.call('HGET', KEYS[1], 'seq')) + 1)
         redis.call('HSET', KEYS[1], 'seq', seq, 'base', seq)
         redis.call('PUBLISH', ARGV[3], 'list')
         return {1, head()}",
    )
});

/// ARGV: layout, now, what, channel.
pub(super) static MARK: LazyLock<Script> = LazyLock::new(|| {
    over_head(
        "if ARGV[3] == 'accept' then
           redis.call('HSET', KEYS[1], 'observed', ARGV[2])
         else
           observe(ARGV[2])
         end
         if ARGV[3] == 'epoch' then
           local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch')) + 1
           redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch))
           redis.call('PUBLISH', ARGV[4], 'list')
         end
         return {1, head()}",
    )
});
