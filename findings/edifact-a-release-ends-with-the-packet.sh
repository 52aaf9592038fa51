#!/usr/bin/env bash
# edifact 1.2.12 (npm): a release character that is the last of a packet releases nothing.
#
# Expected: FTX+AAI+++net 5?+1' is a free text of "net 5+1", however it arrives: the parser takes an interchange
# piece by piece. The question mark says that the plus behind it is a plus.
# Seen: "net 5" and an element more, "1", when the first piece ends with the question mark. An apostrophe is taken
# for the end of the segment in the same way, and then the rest of the text is refused or is a segment. There
# is no error for the plus, and which message it meets depends on the size of the packets.
# Source: Parser.write in parser.js takes the character behind the release character from the same piece, where
# there is none, and keeps no state; ISO 9735-1, "Release character": the character that follows it has its own
# meaning.
# Output seen on 2026-11-30, Node.js 20:
#   FTX+AAI+++net 5?+1' : FTX AAI net 5+1
#   FTX+AAI+++net 5? | +1' : FTX AAI net 5 1
#   FTX+AAI+++net 5?+ | 1' : FTX AAI net 5+1
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit edifact@1.2.12
cat > run.js <<'JS'
const assert = require('assert'), Parser = require('edifact/parser.js');
const parse = pieces => {
  const parser = new Parser(), parts = [];
  parser.encoding('UNOC');
  parser.on('opensegment', name => parts.push(name));
  parser.on('component', text => { if (text) parts.push(text); });
  for (const piece of pieces) parser.write(piece);
  parser.end();
  return parts;
};
const seen = [["FTX+AAI+++net 5?+1'"], ['FTX+AAI+++net 5?', "+1'"], ['FTX+AAI+++net 5?+', "1'"]].map(pieces => {
  const parts = parse(pieces);
  console.log(`${pieces.join(' | ')} : ${parts.join(' ')}`);
  return parts.slice(2);
});
assert.deepStrictEqual(seen, [['net 5+1'], ['net 5', '1'], ['net 5+1']]);
JS
node run.js
