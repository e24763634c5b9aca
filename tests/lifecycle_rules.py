"""S3's own rules for lifecycle configurations, which no local endpoint holds.

An endpoint that takes what S3 refuses hides a mistake until the first apply on AWS. So each request to put a lifecycle
configuration is checked before the endpoint sees it, and refused as S3 refuses it.

Sources: "PutBucketLifecycleConfiguration" in the Amazon S3 API Reference, "Lifecycle configuration elements" and
"Transitioning objects using Amazon S3 Lifecycle" in the Amazon S3 User Guide, and answers of S3 that users have published.
"""

import io
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

MAX_RULES = 1000
MAX_ID_CHARS = 255
# The first day on which S3 moves an object there.
FIRST_DAY = {"STANDARD_IA": 30, "ONEZONE_IA": 30}
# From the first of a pair to the second, S3 moves nothing.
UNSUPPORTED = {
    ("INTELLIGENT_TIERING", "STANDARD_IA"),
    ("ONEZONE_IA", "STANDARD_IA"),
    ("ONEZONE_IA", "INTELLIGENT_TIERING"),
    ("ONEZONE_IA", "GLACIER_IR"),
    ("GLACIER_IR", "STANDARD_IA"),
    ("GLACIER_IR", "INTELLIGENT_TIERING"),
    ("GLACIER_IR", "ONEZONE_IA"),
}


class Refused(Exception):
    def __init__(self, code, message):
        self.code, self.message = code, message


def check(body):
    """Raises Refused where S3 would not take this configuration."""
    root = ElementTree.fromstring(body)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    rules = root.findall("Rule")
    if not 1 <= len(rules) <= MAX_RULES:
        raise Refused("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
    ids = [rule.findtext("ID") for rule in rules if rule.findtext("ID")]
    if len(ids) != len(set(ids)):
        raise Refused("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    if any(len(one) > MAX_ID_CHARS for one in ids):
        raise Refused("InvalidArgument", f"ID length should not exceed allowed limit of {MAX_ID_CHARS}")
    for rule in rules:
        check_rule(rule)


def check_rule(rule):
    name = f"filter '(prefix={rule.findtext('Filter/Prefix') or rule.findtext('Prefix') or ''})'"
    actions = ["Transition", "NoncurrentVersionTransition", "Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"]
    if not any(rule.findall(action) for action in actions):
        raise Refused("InvalidRequest", "At least one action needs to be specified in a rule")
    expiration = rule.find("Expiration")
    if expiration is not None and len(expiration) != 1:
        raise Refused("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
    check_moves(rule, name, "Transition", "Days", "Expiration")
    check_moves(rule, name, "NoncurrentVersionTransition", "NoncurrentDays", "NoncurrentVersionExpiration")


def check_moves(rule, name, action, days, end):
    moves = [(one.findtext("StorageClass"), one.findtext(days)) for one in rule.findall(action)]
    moves = sorted(((int(day), target) for target, day in moves if day), key=lambda move: move[0])
    targets = [target for _, target in moves]
    if len(targets) != len(set(targets)):
        raise Refused("InvalidRequest", f"'StorageClass' must be different for '{action}' actions in same 'Rule' with {name}")
    for day, target in moves:
        least = FIRST_DAY.get(target, 0)
        if day < least:
            raise Refused(
                "InvalidArgument",
                f"'{days}' in the {action} action for StorageClass '{target}' for {name} must be greater than or equal to {least}",
            )
    for (day, target), (later, following) in zip(moves, moves[1:]):
        if later <= day or (target, following) in UNSUPPORTED:
            raise Refused(
                "InvalidArgument",
                f"'{days}' in the '{action}' action for StorageClass '{following}' for {name} must be greater than that for '{target}'",
            )
    ends = rule.findtext(f"{end}/{days}")
    if ends and any(int(ends) <= day for day, _ in moves):
        raise Refused(
            "InvalidArgument",
            f"'{days}' in the {end} action for {name} must be greater than '{days}' in the {action} action",
        )


def puts_lifecycle(method, query):
    return method == "PUT" and "lifecycle" in urllib.parse.parse_qs(query, keep_blank_values=True)


def refusal(body):
    """What S3 answers in place of an endpoint; None where it takes the configuration."""
    try:
        check(body)
    except Refused as refused:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refused.code}</Code>'
            f"<Message>{escape(refused.message)}</Message></Error>"
        ).encode()
    return None


def for_asgi(app):
    """Puts the check before an ASGI application."""

    async def checked(scope, receive, send):
        if scope["type"] != "http" or not puts_lifecycle(scope["method"], scope["query_string"].decode()):
            return await app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        refused = refusal(body)
        if refused is not None:
            headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(refused)).encode())]
            await send({"type": "http.response.start", "status": 400, "headers": headers})
            return await send({"type": "http.response.body", "body": refused})
        again = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again():
            return again.pop() if again else await receive()

        return await app(scope, receive_again, send)

    return checked


def for_wsgi(app):
    """Puts the check before a WSGI application."""

    def checked(environ, start_response):
        if not puts_lifecycle(environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")):
            return app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        refused = refusal(body)
        if refused is not None:
            start_response("400 Bad Request", [("Content-Type", "application/xml"), ("Content-Length", str(len(refused)))])
            return [refused]
        environ["wsgi.input"] = io.BytesIO(body)
        return app(environ, start_response)

    return checked
