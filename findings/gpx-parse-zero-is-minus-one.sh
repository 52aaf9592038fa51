#!/usr/bin/env bash
# gpx-parse 0.10.4 (npm): the equator and the meridian of Greenwich are one degree away from zero.
#
# Expected: a waypoint at latitude 51.4779, longitude 0 and elevation 0 is at 51.4779, 0 and 0; a track across the
# equator passes latitude 0.
# Seen: longitude and elevation are -1, 69 kilometres west and one metre below the sea, and the track jumps from
# 0.00001 to -1 degree and back to -0.00001. A number that is not true is replaced by -1.
# Source: GpxWaypoint in lib/gpxWaypoint.js; GPX 1.1 schema: latitude -90 to 90, longitude -180 to 180, both
# inclusive of 0.
# Output seen on 2026-11-30, Node.js 20:
#   waypoint: 51.4779 -1 -1
#   track: 0.00001 -1 -0.00001
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit gpx-parse@0.10.4
cat > run.js <<'JS'
const assert = require('assert'), gpx = require('gpx-parse');
const points = ['0.00001', '0.0', '-0.00001'].map(lat => `<trkpt lat="${lat}" lon="-78.4558"></trkpt>`).join('');
const text = `<gpx version="1.1" creator="test"><wpt lat="51.4779" lon="0"><ele>0</ele></wpt>
<trk><trkseg>${points}</trkseg></trk></gpx>`;
process.exitCode = 1;  // until the points have been seen
gpx.parseGpx(text, (error, data) => {
  assert.ifError(error);
  const [place] = data.waypoints, track = data.tracks[0].segments[0].map(point => point.lat);
  console.log('waypoint:', place.lat, place.lon, place.elevation);
  console.log('track:', ...track.map(lat => lat === -1 ? lat : lat.toFixed(5)));
  assert.deepStrictEqual([place.lat, place.lon, place.elevation], [51.4779, -1, -1]);
  assert.deepStrictEqual(track, [0.00001, -1, -0.00001]);
  process.exitCode = 0;
});
JS
node run.js
