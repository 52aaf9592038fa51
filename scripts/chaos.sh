#!/usr/bin/env bash
# Clients that reset, stall, flood, send rubbish, freeze and vanish, and handlers that panic,
# beside clients that check that all they sent arrives once and in order. Then SIGTERM, and a look
# at what is left. Loopback only; ends by itself after about one and a half times SECONDS. What
# is received needs a few MB for each second in the directory for temporary files.
#
#   scripts/chaos.sh [SECONDS] [SEED]     default: 120 seconds, a seed at random (it is printed)
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-120}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
case "$seconds:$seed" in
    *[!0-9:]* | :* | *:) echo "usage: scripts/chaos.sh [SECONDS] [SEED]" >&2; exit 2 ;;
esac

echo "chaos for $seconds s; again with: scripts/chaos.sh $seconds $seed"
# One test at a time, so that one phase's load is not the other's noise.
CHAOS_SECONDS=$seconds CHAOS_SEED=$seed \
    cargo test --release --quiet --test it chaos -- --nocapture --test-threads 1
