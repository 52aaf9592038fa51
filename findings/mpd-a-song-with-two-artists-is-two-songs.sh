#!/usr/bin/env bash
# mpd 1.3.0 (npm): a song with two artists is two songs, and the second one has the next song's file.
#
# Expected: a queue of a duet, a.flac, and a solo, b.flac, is two songs, and the duet has both artists, or one
# of them.
# Seen: three songs. A key that comes again begins a new one, so the duet ends before its second artist; a song
# without a file begins there, to which the file and the title of the solo are added. Of a single song that is
# parsed with parseKeyValueMessage the last artist is left.
# Source: parseArrayMessage and parseKeyValueMessage in index.js; the MPD protocol, "Tags": there can be several
# values for some tags, each on a line of its own.
# Output seen on 2026-12-01, Node.js 20:
#   file a.flac, Title Duet, Artist Ann
#   Artist Ben, Id 1, file b.flac, Title Solo
#   Artist Cyd, Id 2
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init --yes >/dev/null && npm install --silent --no-fund --no-audit mpd@1.3.0
cat > run.js <<'JS'
const assert = require('assert'), net = require('net'), mpd = require('mpd');
const duet = 'file: a.flac\nTitle: Duet\nArtist: Ann\nArtist: Ben\nId: 1\n';
const solo = 'file: b.flac\nTitle: Solo\nArtist: Cyd\nId: 2\n';
const server = net.createServer(socket => {
  socket.write('OK MPD 0.23.5\n');
  socket.on('data', data => {                     // noidle ends the idle before it, which is answered as well
    if (/^playlistinfo/m.test(data)) socket.write(`OK\n${duet}${solo}OK\n`);
  });
}).listen(0, '127.0.0.1', () => {
  const client = mpd.connect({ host: '127.0.0.1', port: server.address().port });
  client.on('ready', () => client.sendCommand(mpd.cmd('playlistinfo', []), (error, message) => {
    assert.ifError(error);
    const songs = mpd.parseArrayMessage(message);
    for (const song of songs) console.log(Object.entries(song).map(([key, value]) => `${key} ${value}`).join(', '));
    assert.deepStrictEqual(songs, [
      { file: 'a.flac', Title: 'Duet', Artist: 'Ann' },
      { Artist: 'Ben', Id: '1', file: 'b.flac', Title: 'Solo' },
      { Artist: 'Cyd', Id: '2' },
    ]);
    assert.strictEqual(mpd.parseKeyValueMessage(duet).Artist, 'Ben');
    process.exit(0);
  }));
});
setTimeout(() => process.exit(1), 10000);
JS
node run.js
