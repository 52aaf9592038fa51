#!/usr/bin/env bash
# ipp 2.0.1 (npm): each time that a printer tells is a month late, and its zone does not count.
#
# Expected: in an answer, printer-current-time with the bytes 07ea 0b 1e 0c 00 00 00 2b 01 00 is noon of 30 November
# 2026 one hour east of Greenwich, 11:00 UTC; with 06 and 2d 05 it is 30 June, 17:00 UTC, and with 01, 30 January.
# Seen: 30 December, 30 July and 2 March, at 12:00 of the reader's own zone, whatever the printer's is. The month, 1
# to 12 in the bytes, is used as one of 0 to 11, and the zone is put together but not applied.
# Source: readValue in lib/parser.js, tags.dateTime; RFC 8011, section 5.1.15: dateTime is DateAndTime of RFC 2579,
# where the month is 1..12, and the octets 9 to 11 are the direction, the hours and the minutes from UTC.
# Output seen on 2026-11-30, Node.js 20:
#   07ea0b1e0c0000002b0100: 2026-12-30T12:00:00.000Z
#   07ea061e0c0000002d0500: 2026-07-30T12:00:00.000Z
#   07ea011e0c0000002b0000: 2026-03-02T12:00:00.000Z
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit ipp@2.0.1
cat > run.js <<'JS'
const assert = require('assert'), ipp = require('ipp');
const text = value => Buffer.concat([Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value)]);
const attribute = (tag, name, value) => Buffer.concat([Buffer.from([tag]), text(name), text(value)]);
const answer = time => ipp.parse(Buffer.concat([
  Buffer.from([2, 0, 0, 0, 0, 0, 0, 1, 1]),
  attribute(0x47, 'attributes-charset', 'utf-8'),
  attribute(0x48, 'attributes-natural-language', 'en'),
  Buffer.from([4]),
  attribute(0x31, 'printer-current-time', Buffer.from(time, 'hex')),
  Buffer.from([3]),
]))['printer-attributes-tag']['printer-current-time'];
const times = ['07ea0b1e0c0000002b0100', '07ea061e0c0000002d0500', '07ea011e0c0000002b0000'];
const seen = times.map(time => answer(time).toISOString());
times.forEach((time, i) => console.log(`${time}: ${seen[i]}`));
assert.deepStrictEqual(seen, ['2026-12-30T12:00:00.000Z', '2026-07-30T12:00:00.000Z', '2026-03-02T12:00:00.000Z']);
JS
TZ=UTC node run.js
