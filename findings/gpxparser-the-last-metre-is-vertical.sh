#!/usr/bin/env bash
# gpxparser 3.0.8 (npm): a track's slope is that of another stretch, and the last one is vertical.
#
# Expected: four points, each ten metres higher, 111, 222 and 111 metres apart: slopes of 9, 4.5 and 9 percent, one
# for each stretch.
# Seen: 4.5, 9 and Infinity. The rise from each point to the next is divided by the length of the stretch behind
# it, and behind the last there is none; in JSON it is null, and a level last stretch is NaN.
# Source: calculSlope in src/GPXParser.js (cumul[i + 1] - cumul[i], though cumul[0] is the end of the first
# stretch); the package's README: "Slope of each sub-segment".
# Output seen on 2026-11-30, Node.js 20:
#   lengths 111 222 111
#   slopes 4.5 9.0 Infinity
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit gpxparser@3.0.8 2>/dev/null
cat > run.js <<'JS'
const assert = require('assert'), GPXParser = require('gpxparser'), gpx = new GPXParser();
const point = ([lat, ele]) => `<trkpt lat="${lat}" lon="0"><ele>${ele}</ele></trkpt>`;
const points = [[0, 0], [0.001, 10], [0.003, 20], [0.004, 30]].map(point).join('');
gpx.parse(`<gpx version="1.1"><trk><name>hill</name><trkseg>${points}</trkseg></trk></gpx>`);
const { distance: { cumul }, slopes } = gpx.tracks[0];
const lengths = [cumul[0], cumul[1] - cumul[0], cumul[2] - cumul[1]].map(length => length.toFixed(0));
const seen = slopes.map(slope => slope.toFixed(1));
console.log('lengths', ...lengths);
console.log('slopes', ...seen);
assert.deepStrictEqual([lengths, seen], [['111', '222', '111'], ['4.5', '9.0', 'Infinity']]);
process.exit(0);
JS
node run.js
