#!/usr/bin/env bash
# InfluxDB::LineProtocol 1.015 (Debian 12, libinfluxdb-lineprotocol-perl 1.015-1): 21 is an integer, 21.5 a float.
#
# Expected: a sensor that sends 21.5, 21.0 and 20.5 writes one field of one type, floats: temp=21.5, temp=21,
# temp=20.5. Perl has one kind of number, and 21.0 is 21 as a text.
# Seen: temp=21i, an integer, between the two floats. A field has the type of its first point, so InfluxDB refuses
# the whole degrees, or, when the first one was whole, all the others, as a field type conflict, until a new
# shard begins. Also the text "t" is the boolean TRUE, and "5i" is a number.
# Source: InfluxDB/LineProtocol.pm, _format_field_value; InfluxDB v1, line protocol reference, data types: a
# number is a float unless an i follows it, and the type of a field must not differ within a shard.
# Output seen on 2026-11-30, Perl 5.36:
#   room temp=21.5 1796000000000000000
#   room temp=21i 1796000001000000000
#   room temp=20.5 1796000002000000000
#   room temp=TRUE 1796000003000000000
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 "$work"
apt-get download -qq libinfluxdb-lineprotocol-perl=1.015-1 2>/dev/null
dpkg -x libinfluxdb-lineprotocol-perl*.deb root
cat > run.pl <<'PL'
use strict;
use warnings;
use InfluxDB::LineProtocol qw(data2line);

my ($time, @seen) = ('1796000000');
for my $value (21.5, 21.0, 20.5, 't') {
    push @seen, data2line('room', { temp => $value }, $time++ . '0' x 9);
    print "$seen[-1]\n";
}
my @known = ('21.5 1796000000', '21i 1796000001', '20.5 1796000002', 'TRUE 1796000003');
exit("@seen" eq join(' ', map { "room temp=$_" . '0' x 9 } @known) ? 0 : 1);
PL
perl -Iroot/usr/share/perl5 run.pl
