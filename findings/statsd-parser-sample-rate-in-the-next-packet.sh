#!/usr/bin/env bash
# statsd-parser 0.0.4 (npm): a line that is cut at its sample rate is counted without it.
#
# Expected: a streaming parser waits for the line feed: hits:1|c|@0.1 is one sample in ten, so ten hits, in
# whatever pieces TCP delivers it.
# Seen: at the end of each piece the part that is there is taken for a whole line if it looks like one. hits:1|c
# is one hit, and of @0.1 that is cut at its point the rate is 0; what follows comes as an error.
# Source: index.js, StatsdParser.write, which ends with emitStat; its README: "a streaming parser for the statsd
# protocol"; StatsD, docs/metric_types.md, "Sampling".
# Output seen on 2026-11-29, Node.js 20:
#   hits:1|c|@0.1⏎ -> hits 1 rate 0.1
#   hits:1|c + |@0.1⏎ -> hits 1 rate undefined, error
#   hits:1|c|@0 + .1⏎ -> hits 1 rate 0, error
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit statsd-parser@0.0.4
cat > run.js <<'JS'
const assert = require('assert'), statsd = require('statsd-parser');
const seen = [['hits:1|c|@0.1\n'], ['hits:1|c', '|@0.1\n'], ['hits:1|c|@0', '.1\n']].map(pieces => {
  const events = [], stream = statsd.createStream();
  stream.on('stat', (line, { stat, value, sample_rate }) => events.push(`${stat} ${value} rate ${sample_rate}`));
  stream.on('error', () => events.push('error'));
  pieces.forEach(piece => stream.write(Buffer.from(piece)));
  console.log(pieces.join(' + ').replace('\n', '⏎'), '->', events.join(', '));
  return events.join(', ');
});
assert.deepStrictEqual(seen, ['hits 1 rate 0.1', 'hits 1 rate undefined, error', 'hits 1 rate 0, error']);
JS
node run.js
