#!/usr/bin/env bash
# aio-statsd 0.2.9 (PyPI): of ten counts with a sample rate of 0.1, nine are sent, and each counts ten.
#
# Expected: ten thousand hits with a sample rate of 0.1 are about one thousand lines "hits:1|c|@0.1", which the
# server multiplies by ten: ten thousand again.
# Seen: about nine thousand lines, so the server counts ninety thousand. With 0.9 it counts eleven hundred; with 0.5
# it is right, and with 1 nothing is sampled. A value is sent when the random number is above the rate.
# Source: send_statsd in aio_statsd/client.py (random() > sample_rate; DogStatsD and Telegraf do the same); StatsD,
# "Metric Types", "Sampling": @0.1 tells StatsD that this counter is being sent sampled every 1/10th of the time.
# Output seen on 2026-11-30, Python 3.11:
#   rate 0.1: 8959 lines hits:1|c|@0.1, counted as 89590
#   rate 0.5: 5063 lines hits:1|c|@0.5, counted as 10126
#   rate 0.9: 996 lines hits:1|c|@0.9, counted as 1107
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env && env/bin/pip --quiet --disable-pip-version-check install aio-statsd==0.2.9
env/bin/python - <<'PY'
import random

from aio_statsd import StatsdClient

random.seed(1)
seen = []
for rate in (0.1, 0.5, 0.9):
    client = StatsdClient(sample_rate=rate)
    lines = []
    client.send = lines.append  # what would go to the socket
    for _ in range(10000):
        client.counter("hits", 1)
    counted = round(len(lines) / rate)
    print(f"rate {rate}: {len(lines)} lines {lines[0]}, counted as {counted}")
    assert set(lines) == {f"hits:1|c|@{rate}"}, lines[0]
    seen.append(counted)
assert 85000 < seen[0] < 95000 and 9000 < seen[1] < 11000 and 900 < seen[2] < 1300, seen
PY
