#!/usr/bin/env bash
# parse-prometheus-text-format 1.1.1 (npm): of a histogram with labels the last series alone is left.
#
# Expected: two series of h, get with 1 slow request of 5 and post with 2 of 3, each with its labels, buckets,
# sum and count, as this package gives a summary's.
# Seen: one series without labels: where buckets have the same limit, the later series' replace the earlier
# ones', so that it is all post's. A client library writes the series one after another like this.
# Source: the package's main file puts a histogram's samples into one object;
# Prometheus, "Exposition formats", text format.
# Output seen on 2026-11-29, Node.js 20:
#   [{"buckets":{"1":"1","+Inf":"3"}}]
#   [{"labels":{"c":"get"},"sum":"9","count":"5"},{"labels":{"c":"post"},"sum":"4","count":"3"}]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit parse-prometheus-text-format@1.1.1
cat > run.js <<'JS'
const assert = require('assert'), parse = require('parse-prometheus-text-format');
const histogram = parse(`# TYPE h histogram
h_bucket{c="get",le="1"} 4
h_bucket{c="get",le="+Inf"} 5
h_sum{c="get"} 9
h_count{c="get"} 5
h_bucket{c="post",le="1"} 1
h_bucket{c="post",le="+Inf"} 3
h_sum{c="post"} 4
h_count{c="post"} 3
`)[0].metrics;
console.log(JSON.stringify(histogram));
const summary = parse(`# TYPE s summary
s_sum{c="get"} 9
s_count{c="get"} 5
s_sum{c="post"} 4
s_count{c="post"} 3
`)[0].metrics;
console.log(JSON.stringify(summary));
assert.strictEqual(summary.length, 2);
assert.deepStrictEqual(histogram, [{ buckets: { 1: '1', '+Inf': '3' } }]);
JS
node run.js
