"""Logs with python-logstash-async over Lumberjack: logstash_logger.py PORT FIRST COUNT DATABASE. Its queue is a file, which a next run goes on with."""

import logging
import sys

from logstash_async.constants import constants
from logstash_async.handler import AsynchronousLogstashHandler

port, first, count, database = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
constants.QUEUE_CHECK_INTERVAL = 0.1
constants.QUEUED_EVENTS_FLUSH_INTERVAL = 0.2
constants.QUEUED_EVENTS_BATCH_SIZE = 10
handler = AsynchronousLogstashHandler(
    "127.0.0.1", port, database_path=database, transport="logstash_async.transport.BeatsTransport", ssl_enable=False
)
logger = logging.getLogger("app")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
for n in range(first, first + count):
    logger.info("login", extra={"n": n})
print("logged", flush=True)
# Waits until the test has seen all of them.
sys.stdin.read()
