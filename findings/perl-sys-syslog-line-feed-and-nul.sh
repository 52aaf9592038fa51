#!/usr/bin/env bash
# Sys::Syslog 0.36 (core of Perl 5.36), tcp: each message ends with a line feed and a NUL byte.
#
# Expected: one delimiter, a line feed or, as from Python's SysLogHandler, a NUL byte.
# Seen: both, on TCP as on a datagram. A receiver that cuts at line feeds has a NUL byte in front of the "<" of
# every message from the second on, so that its priority is not found, and a message of one NUL byte at the
# end. The options noeol and nonul of openlog leave one or the other out.
# Source: Sys/Syslog.pm, syslog, which adds first the one and then the other; its manual, openlog.
# Output seen on 2026-11-29:
#   <14>… app: alpha\n\0<14>… app: beta\n\0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
cat > run.pl <<'PL'
use strict;
use warnings;
use IO::Socket::INET;
use Sys::Syslog 0.36 qw(:standard :extended :macros);

alarm 10;
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die;
setlogsock({ type => 'tcp', host => '127.0.0.1', port => $server->sockport }) or die;
openlog('app', 'ndelay', 'user');
my $client = $server->accept or die;
syslog('info', 'alpha');
syslog('info', 'beta');
closelog();
my $data = join '', <$client>;
(my $shown = $data) =~ s/> ?\w+ +\d+ [\d:]+/>…/g;
$shown =~ s/\n/\\n/g;
$shown =~ s/\0/\\0/g;
print "$shown\n";
die $shown unless $data =~ /^<14>[^\n\0]*app: alpha\n\0<14>[^\n\0]*app: beta\n\0$/;
PL
perl run.pl
