#!/usr/bin/env bash
# bucky 2.3.0 (PyPI): of a sampled counter the part behind the point is lost, sample by sample.
#
# Expected: hits:1|c|@0.7, seven samples of ten, stands for 1.43 hits, so seventy of them are 100 hits.
# Seen: 70, as if nothing were sampled: each sample is divided by its rate and cut to a whole number. A rate of
# 0.6 counts 1 for 1.67, one of 0.3 counts 3 for 3.33; rates whose reciprocal is whole are right. A counter
# that grows by halves (0.5|c) never grows.
# Source: handle_counter of StatsDHandler in bucky/statsd.py; StatsD's stats.js adds Number(value) *
# (1 / sampleRate) without rounding.
# Output seen on 2026-11-29, Python 3.11:
#   seventy of hits:1|c|@0.7 are 70
#   seventy of hits:0.5|c are 0
#   seventy of hits:1|c|@0.5 are 140
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env
env/bin/pip --quiet --disable-pip-version-check install --no-deps bucky==2.3.0 six==1.16.0
env/bin/python -W ignore - <<'PY'
import queue
from types import SimpleNamespace

from bucky import cfg, statsd

config = SimpleNamespace(**{name: value for name, value in vars(cfg).items() if not name.startswith("__")})
seen = []
for sample in ("hits:1|c|@0.7", "hits:0.5|c", "hits:1|c|@0.5"):
    handler = statsd.StatsDHandler(queue.Queue(), config)
    handler.handle("\n".join([sample] * 70))
    seen.append(handler.counters["hits"])
    print("seventy of", sample, "are", seen[-1])
assert seen == [70, 0, 140], seen
PY
