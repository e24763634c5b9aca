"""Runs a local S3 and KMS for one owner: the tests and the demo start it here.

    endpoint.py [ministack | moto] [open | guarded]

Open, it asks nobody who they are. Guarded, the access key "test" with the secret "test" may do everything, and everybody
else what the policies of their IAM user say.

It listens on 127.0.0.1 alone, on a port that the kernel picks, so two of them never meet and none is reached from
outside. Once it answers, its endpoint is printed as the first and only line on standard output; its log goes to
standard error. It ends when its standard input ends: an owner that is killed takes its endpoint along.

It refuses the lifecycle configurations that S3 refuses (lifecycle_rules.py), which neither engine does by itself.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
import urllib.request

import lifecycle_rules

HOST = "127.0.0.1"


def main():
    arguments = argparse.ArgumentParser(allow_abbrev=False)
    arguments.add_argument("engine", nargs="?", choices=ENGINES, default="ministack")
    arguments.add_argument("access", nargs="?", choices=["open", "guarded"], default="open")
    wanted = arguments.parse_args()
    serve, answers_at = ENGINES[wanted.engine]
    listener = socket.socket()
    listener.bind((HOST, 0))
    endpoint = "http://{}:{}".format(*listener.getsockname())

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Ctrl-C reaches it too, but its owner may still need it to end in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=leave_with_owner, daemon=True).start()
    threading.Thread(target=announce, args=(endpoint, answers_at, answers), daemon=True).start()
    serve(listener, wanted.access == "guarded")


def leave_with_owner():
    while os.read(0, 4096):
        pass
    os._exit(0)


def announce(endpoint, answers_at, answers):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    retry = threading.Event()
    while True:
        try:
            direct.open(endpoint + answers_at, timeout=5).close()
            break
        except OSError:
            retry.wait(0.02)
    print(endpoint, file=answers, flush=True)
    answers.close()


def ministack(listener, guarded):
    os.environ.update(
        BIND_HOST=HOST,
        GATEWAY_PORT=str(listener.getsockname()[1]),
        AUTH="true" if guarded else "false",
        # Otherwise it opens a second port, on every address.
        IOT_MTLS_ENABLED="0",
        SERVICES="s3,kms,sts,iam",
    )
    # Only now, since it reads its settings when it is imported.
    import hypercorn.asyncio
    import hypercorn.config
    import ministack.app

    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    app = lifecycle_rules.for_asgi(ministack.app.app)
    # Never shut down from within, and no signal handlers of its own: it ends with its owner, and keeps nothing.
    forever = asyncio.Event().wait
    asyncio.run(hypercorn.asyncio.serve(app, config, shutdown_trigger=forever))


def moto(listener, guarded):
    if guarded:
        # It counts the calls that it lets through before it asks; read when it is imported.
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
    import moto.moto_server.werkzeug_app as app
    import werkzeug.serving

    if guarded:
        make_root()
    host, port = listener.getsockname()
    dispatcher = lifecycle_rules.for_wsgi(app.DomainDispatcherApplication(app.create_backend_app))
    listener.listen(128)
    werkzeug.serving.make_server(host, port, dispatcher, threaded=True, fd=listener.fileno()).serve_forever()


def make_root():
    """Of itself it has no caller who may do everything."""
    import moto.core
    import moto.iam.models

    iam = moto.iam.models.iam_backends[moto.core.DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("us-east-1", "root")
    iam.put_user_policy("root", "everything", json.dumps(EVERYTHING))
    key = iam.create_access_key("root")
    key.access_key_id, key.secret_access_key = "test", "test"


EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# How each is served, and where it answers once it does.
ENGINES = {
    "ministack": (ministack, "/_ministack/health"),
    "moto": (moto, "/moto-api/"),
}

if __name__ == "__main__":
    sys.exit(main())
