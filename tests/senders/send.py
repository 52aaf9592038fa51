"""Sends three messages as SENDER does: send.py SENDER PORT. With a third word, what comes as lines."""

import logging
import logging.handlers
import socket
import sys

HOST = "127.0.0.1"
MESSAGES = ["alpha", "beta", "one\ntwo"]
if len(sys.argv) > 3:
    MESSAGES = iter(lambda: sys.stdin.readline().rstrip("\n"), "")


def log(handler):
    logger = logging.getLogger("sender")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    for message in MESSAGES:
        logger.info(message)
    logging.shutdown()


def syslog(port, append_nul):
    handler = logging.handlers.SysLogHandler((HOST, port), socktype=socket.SOCK_STREAM)
    handler.append_nul = append_nul
    log(handler)


def graypy(port):
    from graypy import GELFTCPHandler

    log(GELFTCPHandler(HOST, port))


def pygelf(port):
    from pygelf import GelfTcpHandler

    log(GelfTcpHandler(host=HOST, port=port))


def logging_gelf(port, null_character):
    from logging_gelf.handlers import GELFTCPSocketHandler
    from logging_gelf.formatters import GELFFormatter

    handler = GELFTCPSocketHandler(host=HOST, port=port)
    handler.setFormatter(GELFFormatter(null_character=null_character))
    log(handler)


def logstash(port):
    from logstash import TCPLogstashHandler

    log(TCPLogstashHandler(HOST, port, version=1))


def rfc5424(port):
    from rfc5424logging import Rfc5424SysLogHandler

    log(Rfc5424SysLogHandler(address=(HOST, port), socktype=socket.SOCK_STREAM))


def cee(port):
    from cee_syslog_handler import CeeSysLogHandler

    log(CeeSysLogHandler(address=(HOST, port), socktype=socket.SOCK_STREAM))


def pysyslogclient(port):
    import pysyslogclient

    client = pysyslogclient.SyslogClientRFC5424(HOST, port, proto="TCP")
    for message in MESSAGES:
        client.log(message, program="sender")
    client.close()


def fluent(port):
    from fluent.sender import FluentSender

    sender = FluentSender("app", host=HOST, port=port)
    for message in MESSAGES:
        sender.emit("log", {"message": message})
    sender.close()


def zabbix(port):
    from zabbix_utils import Sender

    try:
        Sender(server=HOST, port=port, timeout=1).send_value("host", "key", "alpha")
    except OSError:
        # It waits for an answer in its own protocol.
        pass


SENDERS = {
    "syslog": lambda port: syslog(port, True),
    "syslog-bare": lambda port: syslog(port, False),
    "graypy": graypy,
    "pygelf": pygelf,
    "logging-gelf": lambda port: logging_gelf(port, False),
    "logging-gelf-nul": lambda port: logging_gelf(port, True),
    "logstash": logstash,
    "rfc5424": rfc5424,
    "cee": cee,
    "pysyslogclient": pysyslogclient,
    "fluent": fluent,
    "zabbix": zabbix,
    "socket": lambda port: log(logging.handlers.SocketHandler(HOST, port)),
}

SENDERS[sys.argv[1]](int(sys.argv[2]))
