#!/usr/bin/env bash
# tekko 2.4.0 (npm): an empty last parameter is missing, so a topic that is cleared is a topic that is asked for.
#
# Expected: TOPIC #test : has two parameters, #test and "", and TOPIC #test has one. A tag's value reaches to
# the semicolon: msgid=YWI= is YWI=.
# Seen: both have the one parameter #test, so by the parameters a server or bot can't tell the two commands
# apart (the property trailing, "" or undefined, can). A tag's value ends before its first =.
# Source: params in dist/parse.js (the empty string counts as none), parseTags; RFC 2812, section 2.3.1 (trailing
# may be empty) and 3.2.4, "TOPIC #test :" clears the topic, "TOPIC #test" checks it; IRCv3 message tags.
# Output seen on 2026-11-29, Node.js 20:
#   TOPIC #test : ["#test"]
#   TOPIC #test ["#test"]
#   TOPIC #test :alpha beta ["#test","alpha beta"]
#   @msgid=YWI= YWI
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit tekko@2.4.0
cat > run.js <<'JS'
const assert = require('assert'), { parse } = require('tekko');
const seen = ['TOPIC #test :', 'TOPIC #test', 'TOPIC #test :alpha beta'].map(line => {
  const params = parse(line).params;
  console.log(line, JSON.stringify(params));
  return params;
});
const tag = parse('@msgid=YWI= :alpha!a@192.0.2.1 PRIVMSG #test :beta').tags.msgid;
console.log('@msgid=YWI=', tag);
assert.deepStrictEqual(seen, [['#test'], ['#test'], ['#test', 'alpha beta']]);
assert.strictEqual(tag, 'YWI');
JS
node run.js
