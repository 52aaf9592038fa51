#!/usr/bin/env bash
# complete-teltonika-parser 0.3.4 (npm): a tracker twelve metres below the sea is 65524 metres high.
#
# Expected: altitude -12 from a Codec 8 record whose two bytes of altitude are FF F4: like longitude and
# latitude beside it, which this package reads with a sign, it is a number in two's complement.
# Seen: 65524. A vehicle in the west of the Netherlands, in Baku or at the Dead Sea leaves the atmosphere.
# Source: GPSelement.js of the package reads altitude without a sign; Traccar reads it with one
# (TeltonikaProtocolDecoder.java, readShort); Teltonika's wiki, "Codec 8", GPS element.
# Output seen on 2026-11-29, Node.js 20:
#   {"Longitude":35.5,"Latitude":-31.5,"Altitude":65524,"Angle":300,"Satellites":7,"Speed":88}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit complete-teltonika-parser@0.3.4
cat > run.js <<'JS'
const assert = require('assert'), { ProtocolParser } = require('complete-teltonika-parser');
const record = Buffer.alloc(24);
record.writeBigUInt64BE(1796018400000n, 0);
record.writeUInt8(1, 8);                           // priority
record.writeInt32BE(355000000, 9);                 // longitude, in ten millionths of a degree
record.writeInt32BE(-315000000, 13);               // latitude
record.writeInt16BE(-12, 17);                      // altitude
record.writeUInt16BE(300, 19);                     // angle
record.writeUInt8(7, 21);                          // satellites
record.writeUInt16BE(88, 22);                      // speed
const io = Buffer.from([239, 1, 1, 239, 1, 0, 0, 0]);
const body = Buffer.concat([Buffer.from([8, 1]), record, io, Buffer.from([1])]);
let crc = 0;
for (const byte of body) {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xA001 : crc >>> 1;
}
const frame = Buffer.alloc(8 + body.length + 4);
frame.writeUInt32BE(body.length, 4);
body.copy(frame, 8);
frame.writeUInt32BE(crc, 8 + body.length);
const place = new ProtocolParser(frame.toString('hex')).Content.AVL_Datas[0].GPSelement;
console.log(JSON.stringify(place));
assert.deepStrictEqual([place.Longitude, place.Latitude, place.Altitude], [35.5, -31.5, 65524]);
JS
node run.js
