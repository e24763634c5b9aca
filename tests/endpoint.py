"""Runs MiniStack for one owner: the tests and the demo both start it here.

It listens on 127.0.0.1 alone, on a port that the kernel picks, so two of them never meet and none is reached from
outside. Once it answers, its endpoint is printed as the first and only line on standard output; its log goes to
standard error. It ends when its standard input ends: an owner that is killed takes its endpoint along.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import urllib.request

SETTINGS = {
    "BIND_HOST": "127.0.0.1",
    # Otherwise it opens a second port, on every address.
    "IOT_MTLS_ENABLED": "0",
    "SERVICES": "s3,kms,sts,iam",
}


def main():
    listener = socket.socket()
    listener.bind((SETTINGS["BIND_HOST"], 0))
    endpoint = "http://{}:{}".format(*listener.getsockname())
    os.environ.update(SETTINGS, GATEWAY_PORT=str(listener.getsockname()[1]))

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Ctrl-C reaches it too, but its owner may still need it to end in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=leave_with_owner, daemon=True).start()
    threading.Thread(target=announce, args=(endpoint, answers), daemon=True).start()
    asyncio.run(serve(listener))


def leave_with_owner():
    while os.read(0, 4096):
        pass
    os._exit(0)


def announce(endpoint, answers):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    retry = threading.Event()
    while True:
        try:
            direct.open(endpoint + "/_ministack/health", timeout=5).close()
            break
        except OSError:
            retry.wait(0.02)
    print(endpoint, file=answers, flush=True)
    answers.close()


async def serve(listener):
    # Only now, since it reads its settings when it is imported.
    import hypercorn.asyncio
    import hypercorn.config
    import ministack.app

    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    # Never shut down from within, and no signal handlers of its own: it ends with its owner, and keeps nothing.
    await hypercorn.asyncio.serve(ministack.app.app, config, shutdown_trigger=asyncio.Event().wait)


if __name__ == "__main__":
    sys.exit(main())
