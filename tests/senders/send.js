// Sends three messages as SENDER does, and stays until its input ends: node send.js SENDER PORT,
// with NODE_PATH where the senders are. With a third word, pino-socket sends what comes as lines.
"use strict";

const HOST = "127.0.0.1";
const MESSAGES = ["alpha", "beta", "one\ntwo"];
const [sender, port] = [process.argv[2], Number(process.argv[3])];

// What is under way is written meanwhile.
if (!process.argv[4]) process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

function each(send) {
  if (!process.argv[4]) return MESSAGES.forEach(send);
  require("readline").createInterface({ input: process.stdin }).on("line", send);
}

// Each when the one before was sent.
function inTurn(send, at = 0) {
  if (at < MESSAGES.length) send(MESSAGES[at], () => inTurn(send, at + 1));
}

function winston(transport) {
  const logger = require("winston").createLogger({ transports: [transport] });
  logger.on("error", () => {});
  MESSAGES.forEach(message => logger.info(message));
}

function winstonSyslog(options) {
  const { Syslog } = require("winston-syslog");
  winston(new Syslog({ host: HOST, port, protocol: "tcp4", ...options }));
}

// A pipeline of pino's transports, which run in a thread of their own.
function pino(pipeline) {
  const transport = require("pino").transport({ pipeline });
  const logger = require("pino")(transport);
  transport.on("ready", () => each(message => logger.info(message)));
}

const socket = () => ({
  target: require.resolve("pino-socket"), options: { address: HOST, port, mode: "tcp" },
});
const toSyslog = newline => ({
  target: require.resolve("pino-syslog"), options: { enablePipelining: true, newline },
});

const SENDERS = {
  "winston-syslog": () => winstonSyslog({}),
  "winston-syslog-eol": () => winstonSyslog({ eol: "\n" }),
  "winston3-logstash": () => {
    const Transport = require("winston3-logstash-transport");
    winston(new Transport({ host: HOST, port, mode: "tcp4" }));
  },
  "gelf-pro": () => {
    const gelf = require("gelf-pro");
    gelf.setConfig({ adapterName: "tcp", adapterOptions: { host: HOST, port } });
    inTurn((message, done) => gelf.info(message, done));
  },
  "pino-socket": () => pino([socket()]),
  "pino-syslog": () => pino([toSyslog(false), socket()]),
  "pino-syslog-newline": () => pino([toSyslog(true), socket()]),
  "log4js": () => {
    const log4js = require("log4js");
    log4js.configure({
      appenders: { out: { type: "tcp", host: HOST, port } },
      categories: { default: { appenders: ["out"], level: "info" } },
    });
    const logger = log4js.getLogger();
    MESSAGES.forEach(message => logger.info(message));
  },
  "syslog-client": () => {
    const syslog = require("syslog-client");
    const client = syslog.createClient(HOST, { port, transport: syslog.Transport.Tcp });
    inTurn((message, done) => client.log(message, done));
  },
  "bunyan-tcp": () => {
    const bunyan = require("bunyan");
    const stream = require("bunyan-tcp").createBunyanStream({ server: HOST, port });
    const logger = bunyan.createLogger({ name: "sender", streams: [{ type: "raw", stream }] });
    MESSAGES.forEach(message => logger.info(message));
  },
};

SENDERS[sender]();
