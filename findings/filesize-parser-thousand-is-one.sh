#!/usr/bin/env bash
# filesize-parser 1.5.2 (npm): "1,000 KB" is one kilobyte.
#
# Expected: 1024000, or an error as for text that is not a size, like "alpha".
# Seen: 1024. A comma is taken for a decimal point, as in "1,5 MB", so that a size as Windows Explorer shows
# it is read a thousand times too small, and "1,024 KB" and "1.024 KB" are the same.
# Source: index.js replaces the first comma by a point; the README shows sizes without commas.
# Output seen on 2026-11-29, Node.js 20:
#   1000 KB: 1024000, 1,000 KB: 1024, 1,5 MB: 1572864
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit filesize-parser@1.5.2
cat > run.js <<'JS'
const assert = require('assert'), parse = require('filesize-parser');
const texts = ['1000 KB', '1,000 KB', '1,5 MB'];
const seen = texts.map(text => parse(text));
console.log(texts.map((text, i) => `${text}: ${seen[i]}`).join(', '));
assert.throws(() => parse('alpha'));
assert.deepStrictEqual(seen, [1024000, 1024, 1572864]);
JS
node run.js
