#!/usr/bin/env bash
# Fuzzes what reads foreign bytes: libFuzzer looks for inputs that reach new code, and a target
# panics when something is not as it must be. The stable toolchain and a C++ compiler are enough.
# Ends by itself; what it found out about good inputs stays in tests/fuzz/corpus for the next run.
#
#   scripts/fuzz.sh [INPUTS] [TARGET…]     default: 10000000 inputs for each target
set -euo pipefail
cd "$(dirname "$0")/../tests/fuzz"

inputs=${1:-10000000}
case "$inputs" in
    '' | *[!0-9]*) echo "usage: scripts/fuzz.sh [INPUTS] [TARGET…]" >&2; exit 2 ;;
esac
if [ "$#" -gt 0 ]; then shift; fi
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then targets=(decoder command_line proxy_header carried tls_session); fi

# What `cargo fuzz` sets, too, without the sanitizer, which has nothing to find in safe code.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1"
# Named, so that the flags are for the targets and not for build scripts and macros.
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --quiet --locked --target "$host"
built=$(cargo metadata --format-version 1 --no-deps |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')

for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" artifacts
    words=()
    if [ -f "$target.dict" ]; then words=("-dict=$target.dict"); fi
    echo "$target: $inputs inputs"
    "$built/$host/release/$target" "corpus/$target" "${words[@]}" -runs="$inputs" -max_len=512 \
        -timeout=10 -rss_limit_mb=1024 -artifact_prefix="artifacts/$target-" -print_funcs=0 \
        -print_final_stats=1 2>&1 | { grep -v -E '^(#|INFO:|WARNING: Failed|Dict|#####|".* # Uses)' || true; }
done
