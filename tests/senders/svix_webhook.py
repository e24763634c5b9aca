"""Signs events of hoop with svix and posts each until it is taken: svix_webhook.py PORT SECRET FIRST COUNT. Prints the status of each attempt.

As Svix does, it sends a message again under the same id where the answer is not 2xx, with a signature of that time."""

import http.client
import json
import sys
import time
from datetime import datetime, timezone

from svix.webhooks import Webhook

port, secret, first, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
webhook = Webhook(secret)


def post(message, body):
    now = datetime.now(tz=timezone.utc)
    headers = {
        "svix-id": message,
        "svix-timestamp": str(int(now.timestamp())),
        "svix-signature": webhook.sign(message, now, body),
        "content-type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/webhook", body, headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


for n in range(first, first + count):
    kind = "session.open" if n % 2 == 0 else "session.close"
    body = json.dumps({"event_type": kind, "id": f"session-{n // 2}", "user_email": "ada@example.com", "n": n})
    while True:
        status = post(f"msg_{n}", body)
        print(n, status, flush=True)
        if status in (200, 401):
            break
        time.sleep(0.1)
    # Svix sends a message again where the answer was lost.
    if n % 10 == 0:
        print(n, post(f"msg_{n}", body), flush=True)
