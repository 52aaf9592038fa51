#!/usr/bin/env bash
# The package and its units under a real systemd, booted in a container: installs, activates by the
# first client, reloads, restarts and upgrades under clients that must not be refused, stops and
# kills it, purges it. Some three minutes the first time. Wants root, and Debian's debootstrap and
# systemd-container, and cargo-deb.
#
#   scripts/systemd.sh [SUITE]     of Debian, default: bookworm (systemd 252); trixie has 257
set -euo pipefail
cd "$(dirname "$0")/.."

suite=${1:-bookworm}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$target/systemd/$suite
root=$work/root
mkdir -p "$work"

die() {
    echo "systemd.sh: $*" >&2
    exit 1
}
for program in debootstrap systemd-nspawn nsenter cargo-deb; do
    command -v "$program" >/dev/null || die "$program is not installed"
done
[ "$(id -u)" = 0 ] || die "only root can boot a container"

scripts/package.sh --pages
for revision in 1 2; do
    cargo deb --quiet --no-build --strip --deb-revision "$revision" -o "$work/$revision.deb"
done
# cargo-deb has cleared its folder, where a person may look for the package.
scripts/package.sh >/dev/null
if [ ! -e "$work/made" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,netcat-openbsd,jq,procps \
        "$suite" "$root" >"$work/debootstrap.log"
    touch "$work/made"
fi
cp "$work"/?.deb "$root/root/"
cp scripts/systemd-tries.sh "$root/root/tries.sh"

# As hosts have it; a host of the older kind lends what it has.
export UNIFIED_CGROUP_HIERARCHY=yes
systemd-nspawn --quiet --directory="$root" --machine="poold-$$" --register=no --keep-unit --boot \
    --volatile=overlay --private-network --console=pipe </dev/null >"$work/boot.log" 2>&1 &
container=$!
trap 'kill "$container"; wait "$container" || true' EXIT

inside() {
    nsenter --target "$first" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}
for _ in $(seq 600); do
    kill -0 "$container" || die "it does not boot: see $work/boot.log"
    first=$(pgrep -P "$container" || true)
    state=$([ -z "$first" ] || inside systemctl is-system-running 2>/dev/null || true)
    [ "$state" != running ] || break
    sleep 0.1
done
[ "$state" = running ] || die "it does not boot (${state:-no process}): see $work/boot.log"
inside bash /root/tries.sh
