#!/usr/bin/env bash
# togpx 0.5.4 (npm): after a break a track begins again at its first minute.
#
# Expected: a track in two parts, from 12:00 to 12:10 and from 13:00 to 13:10, keeps these four times on its way
# through GeoJSON.
# Seen: given one array of four times, the second part has the times of the first. @mapbox/togeojson writes an array
# for each part: then the first point of each part has both times of the first part, and the second point both of
# the second, so that a reader which takes the first <time> has 12:00, 13:00, 12:00, 13:00.
# Source: the cases LineString and MultiLineString of index.js (the index starts at 0 in each part); the package's
# README: an array of timestamps for each coordinate of the feature; GPX 1.1 schema, wptType: time at most once.
# Output seen on 2026-11-30, Node.js 20, @mapbox/togeojson 0.16.2 (npm):
#   from one array: 12:00, 12:10 | 12:00, 12:10
#   from togeojson: 12:00 12:10, 13:00 13:10 | 12:00 12:10, 13:00 13:10
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit togpx@0.5.4 @mapbox/togeojson@0.16.2
cat > run.js <<'JS'
const assert = require('assert'), togpx = require('togpx'), { gpx } = require('@mapbox/togeojson');
const { DOMParser } = require('@xmldom/xmldom');
const point = (lon, time) => `<trkpt lat="52" lon="${lon}"><time>2026-11-29T${time}:00Z</time></trkpt>`;
const track = `<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1"><trk>
  <trkseg>${point(4, '12:00')}${point(4.1, '12:10')}</trkseg>
  <trkseg>${point(4.2, '13:00')}${point(4.3, '13:10')}</trkseg></trk></gpx>`;
const geojson = gpx(new DOMParser().parseFromString(track, 'text/xml'));
const { properties } = geojson.features[0], nested = properties.coordTimes;
assert.deepStrictEqual(nested.flat().map(time => time.slice(11, 16)), ['12:00', '12:10', '13:00', '13:10']);
const times = name => {
  const parts = togpx(geojson).split('<trkseg>').slice(1).map(part => part.split('<trkpt').slice(1)
    .map(text => [...text.matchAll(/T(..:..):00Z/g)].map(match => match[1]).join(' ')).join(', ')).join(' | ');
  console.log(`from ${name}: ${parts}`);
  return parts;
};
properties.coordTimes = nested.flat();
const flat = times('one array');
properties.coordTimes = nested;
assert.deepStrictEqual([flat, times('togeojson')],
  ['12:00, 12:10 | 12:00, 12:10', '12:00 12:10, 13:00 13:10 | 12:00 12:10, 13:00 13:10']);
JS
node run.js
