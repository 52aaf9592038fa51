#!/usr/bin/env bash
# sdp-jingle-json 3.1.0 (npm): of the two parameter sets of a video, one is left.
#
# Expected: sprop-parameter-sets of H.264 is a list of base64 texts with commas between them, and is the same in
# the JSON, and in the SDP that is made of it again.
# Seen: it ends at its first equals sign, the padding of the first set: the second, the picture parameter set, is
# gone, and a receiver can't decode until the next one comes within the stream. When the last set alone is
# padded, its padding is gone, which a strict decoder of base64 refuses.
# Source: fmtp in lib/parsers.js splits at each equals sign and takes the second part; RFC 6184, 8.1: a comma-separated
# list of base64 representations; RFC 4648, 3.2: padding.
# Output seen on 2026-11-30, Node.js 20:
#   sent: Z0IAH5WoFAFuQA==,aM48gA==
#   JSON: Z0IAH5WoFAFuQA
#   SDP again: a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAH5WoFAFuQA
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit sdp-jingle-json@3.1.0
cat > run.js <<'JS'
const assert = require('assert'), jingle = require('sdp-jingle-json');
const sets = 'Z0IAH5WoFAFuQA==,aM48gA==';
const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=video 9 RTP/AVP 96', 'a=rtpmap:96 H264/90000',
  `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sets}`, ''].join('\r\n');
const role = { creator: 'initiator', role: 'initiator', direction: 'outgoing' };
const json = jingle.toSessionJSON(sdp, role);
const parameters = json.contents[0].application.payloads[0].parameters;
const value = parameters.find(parameter => parameter.key === 'sprop-parameter-sets').value;
const again = jingle.toSessionSDP(json, role).split('\r\n').find(line => line.startsWith('a=fmtp:96'));
console.log(`sent: ${sets}\nJSON: ${value}\nSDP again: ${again}`);
assert.strictEqual(value, 'Z0IAH5WoFAFuQA');
assert.strictEqual(again, 'a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAH5WoFAFuQA');
JS
node run.js
