"""Sends events with pylogbeat until each window is acknowledged: pylogbeat_client.py PORT FIRST COUNT. Prints the first number of each window.

As its users do, it connects again where a connection breaks off, and sends the window again."""

import sys
import time

import pylogbeat

port, first, count = (int(argument) for argument in sys.argv[1:])
for at in range(first, first + count, 10):
    window = [{"@metadata": {"beat": "app", "_id": f"app-{n}"}, "n": n, "user": "ada"} for n in range(at, at + 10)]
    while True:
        try:
            with pylogbeat.PyLogBeatClient("127.0.0.1", port, timeout=30, ssl_enable=False) as client:
                client.send(window)
            break
        except (OSError, pylogbeat.ConnectionException, Exception) as error:
            print(error, file=sys.stderr)
            time.sleep(0.1)
    print(at, flush=True)
