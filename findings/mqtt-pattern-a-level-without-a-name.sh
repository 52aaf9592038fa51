#!/usr/bin/env bash
# mqtt-pattern 2.1.1 (npm): a topic with an empty level matches no +, and house does not match house/#rest.
#
# Expected: + stands for one level, whatever its name, also for an empty one: /status matches +/status, and
# house//temperature matches house/+/temperature. house/# matches house as well, named or not.
# Seen: neither matches, though the broker, which was given the same filter, has delivered the message, so that
# the handler for it is never called. house/# matches house, house/#rest does not.
# Source: matches in index.js (an empty level is no level); MQTT 3.1.1, section 4.7.1.3: "/finance" matches "+/+"
# and "/+"; section 4.7.1.2: "sport/#" also matches the singular "sport".
# Output seen on 2026-11-30, Node.js 20, paho-mqtt 2.1.0 (PyPI) beside it:
#   +/status /status: false, paho true
#   house/+/temperature house//temperature: false, paho true
#   house/# house: true, paho true
#   house/#rest house: false, paho true
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit mqtt-pattern@2.1.1
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install paho-mqtt==2.1.0
cat > run.js <<'JS'
const assert = require('assert'), { execFileSync } = require('child_process'), { matches, clean } = require('mqtt-pattern');
const script = 'import sys, paho.mqtt.client as mqtt; print(mqtt.topic_matches_sub(*sys.argv[1:]))';
const paho = (filter, topic) => execFileSync('env/bin/python', ['-c', script, filter, topic]).toString().trim() === 'True';
const seen = [
  ['+/status', '/status'],
  ['house/+/temperature', 'house//temperature'],
  ['house/#', 'house'],
  ['house/#rest', 'house'],
].map(([filter, topic]) => {
  const both = [matches(filter, topic), paho(clean(filter), topic)];
  console.log(`${filter} ${topic}: ${both[0]}, paho ${both[1]}`);
  return both;
});
assert.deepStrictEqual(seen, [[false, true], [false, true], [true, true], [false, true]]);
JS
node run.js
