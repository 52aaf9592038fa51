#!/usr/bin/env bash
# Geo::METAR 1.15 (Debian 12, libgeo-metar-perl 1.15-5): the pressure at sea level is 134 millibars.
#
# Expected: SLP134 in the remarks of an American report is 1013.4 hectopascals, SLP987 is 998.7, and P0003 is
# three hundredths of an inch of rain in the hour: of a pressure the tens, the units and the tenths are sent.
# Seen: "134 mb" and "987 mb", with the unit, and the second could be true, in a storm. The rain is 0003,
# without a unit; the altimeter setting is right.
# Source: Geo/METAR.pm, _process (what follows SLP, and " mb"); FMH-1, chapter 12, sea-level pressure (SLPppp):
# tens, units and tenths of hectopascals.
# Output seen on 2026-11-30, Perl 5.36:
#   SLP134: 134 mb, altimeter 1013, rain 0003
#   SLP987: 987 mb, altimeter 999, rain 0003
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq libgeo-metar-perl=1.15-5 2>/dev/null
dpkg -x libgeo-metar-perl*.deb root
cat > run.pl <<'PL'
use strict;
use warnings;
use Geo::METAR;

my @seen;
for my $report (['SLP134', 'A2992'], ['SLP987', 'A2949']) {
    my ($slp, $altimeter) = @$report;
    my $metar = Geo::METAR->new;
    $metar->metar("KXYZ 291251Z 27020KT 10SM -RA OVC020 03/02 $altimeter RMK AO2 $slp P0003");
    push @seen, sprintf '%s: %s, altimeter %.0f, rain %s', $slp, $metar->SLP, $metar->ALT_HP, $metar->HOURLY_PRECIP;
    print "$seen[-1]\n";
}
my @known = ('SLP134: 134 mb, altimeter 1013, rain 0003', 'SLP987: 987 mb, altimeter 999, rain 0003');
exit("@seen" eq "@known" ? 0 : 1);
PL
perl -Iroot/usr/share/perl5 run.pl
