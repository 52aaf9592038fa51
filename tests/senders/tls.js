// Clients of TLS as Node's own library has them.
//
//   node tls.js MODE HOST PORT CA
//
// echo: sends a megabyte of lines, ends its side, and reads all of it back.
// send: sends a megabyte of lines, and ends.
"use strict";
const fs = require("fs");
const tls = require("tls");

const [mode, host, port, file] = process.argv.slice(2);
const lines = Buffer.from(("x".repeat(99) + "\n").repeat(10000));

function run(session, then) {
  const back = [];
  let kept = session;
  const client = tls.connect({
    host,
    port,
    session,
    ca: fs.readFileSync(file),
    servername: "localhost",
    ALPNProtocols: ["h2", "http/1.1"],
    allowHalfOpen: true,
  });
  client.on("session", (given) => { kept = given; });
  client.on("error", (error) => { console.error(error.message); process.exit(1); });
  client.on("data", (bytes) => back.push(bytes));
  client.on("end", () => {
    if (mode === "echo") {
      console.log(Buffer.concat(back).equals(lines), client.isSessionReused(), client.alpnProtocol);
    }
  });
  client.on("close", () => then(kept));
  client.end(lines);
}

// The second one would resume the session.
run(undefined, (session) => run(session, () => {}));
