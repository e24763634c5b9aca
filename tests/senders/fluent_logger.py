"""Sends events with fluent-logger: fluent_logger.py PORT FIRST COUNT. It has neither acknowledgements nor a shared key."""

import sys

from fluent import sender

port, first, count = (int(argument) for argument in sys.argv[1:])
logger = sender.FluentSender("app", host="127.0.0.1", port=port, nanosecond_precision=True)
for number in range(first, first + count):
    if not logger.emit("login", {"n": number, "user": "ada", "ok": True, "ratio": 0.5, "raw": b"\x00\xff"}):
        sys.exit(f"event {number} was not sent: {logger.last_error}")
logger.close()
