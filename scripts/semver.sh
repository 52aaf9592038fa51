#!/usr/bin/env bash
# Compares the library's interface with an earlier commit's: says whether the version number announces
# what has changed. With `--release-type minor` it lists each change that breaks a user, whatever the
# version number. Some five minutes.
# `cargo test interface` sees most of it in a second, as each item is written in the source.
# Wants cargo-semver-checks (cargo install cargo-semver-checks --version 0.51.0 --locked).
#
#   scripts/semver.sh [COMMIT [OPTION…]]     default: the last commit of version 0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."

baseline=${1:-2e95723e503669f9fc42378167e26679597e31e2}
if [ "$#" -gt 0 ]; then shift; fi
cargo semver-checks --package poold --baseline-rev "$baseline" "$@"
