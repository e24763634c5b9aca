"""Misreadings of docs/guides/trust-policy.md, of F13's keys and of the form of pins."""

from misreadings.misreading import Misreading

POLICY, PINS = "no-verdict--policy-", "no-verdict--pins-"


def refused(what, by, old, new, file="policy.py"):
    """Something is accepted that must be refused."""
    return Misreading("Trust policy", what, POLICY + by, file, old, new)


def accepted(what, by, old, new, file="policy.py"):
    """Something is refused that must be accepted."""
    return Misreading("Trust policy", what, "good--" + by, file, old, new)


def form(what, by, old, new):
    return refused(what, by, old, new, "document.py")


def key(what, by, old, new):
    return Misreading("F13", what, POLICY + by, "keys.py", old, new)


def curve(what, by, old, new):
    return Misreading("F13", what, POLICY + by, "curve.py", old, new)


def explained(what, by, old, new):
    return Misreading("Acknowledged", what, "no-verdict--acknowledged-" + by, "acknowledged.py", old, new)


def pins(what, by, old, new):
    return Misreading("Pins", what, PINS + by, "pins.py", old, new)


FIELDS = '    need(set(required) <= set(value) <= set(required) | set(optional), f"fields {sorted(value)}")\n'

ALL = [
    form("a field may appear twice", "name-twice", 'need(len(value) == len(found), "a field appears twice")', "pass"),
    form("unknown fields are passed over", "unknown-field", FIELDS, "    need(set(required) <= set(value), '')\n"),
    form(
        "null is an absent field",
        "null-log-ended",
        "return parse(value[name]) if name in value else None",
        "return parse(value[name]) if value.get(name) is not None else None",
    ),
    Misreading(
        "Pins",
        "numbers may have a sign",
        PINS + "minus-zero",
        "document.py",
        'need(not digits.startswith("-"), f"{digits} has a sign")',
        "pass",
    ),
    form("true is a number", "true-for-number", "type(value) is int and ", "isinstance(value, int) and "),
    form("a number may have decimals", "decimals", "type(value) is int and low", "low"),
    form("NaN and others are numbers", "days-nan", 'raise NoVerdict(f"{name} is not a number")', "return 1"),
    form("numbers may be 2^64", "size-2-64", "(1 << 64) - 1", "1 << 64"),
    form("a byte order mark is passed over", "byte-order-mark", 'data.decode("utf-8")', 'data.decode("utf-8-sig")'),
    form("bytes that are not UTF-8 are replaced", "not-utf-8", 'data.decode("utf-8")', 'data.decode("utf-8", "ignore")'),
    form(
        "what follows the document is passed over",
        "after",
        'value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)',
        "value, _ = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant, parse_int=whole).raw_decode(data.decode('utf-8'))",
    ),
    form("a time may have any number of decimals", "time-10-decimals", "[0-9]{1,9}", "[0-9]{1,20}"),
    form("a time may have a point without decimals", "time-no-decimal", "[0-9]{1,9}", "[0-9]{0,9}"),
    form("a time may have a comma", "time-comma", r"(?:\.([0-9]", r"(?:[.,]([0-9]"),
    form("offsets may have 24 hours", "time-offset-24", "[+-]2[0-3]:", "[+-]2[0-4]:"),
    form("offsets may be without a colon", "time-offset-without-colon", "[+-][01][0-9]:[0-5]", "[+-][01][0-9]:?[0-5]"),
    form("a time may be before 1970", "time-before-1970", 'need(0 <= whole_ < LAST, f"time {value}")', "pass"),
    Misreading(
        "Trust policy",
        "a time is rounded to the microsecond",
        "key-outside-span--policy-time-cut-off",
        "document.py",
        "        whole_ = time(",
        "        whole_ = ((found[3] or '')[6:7] >= '5') + time(",
    ),
    Misreading(
        "Trust policy",
        "an offset is added",
        "key-outside-span--policy-time-offset",
        "document.py",
        'whole_ -= (minutes if found[4][0] == "+" else -minutes)',
        'whole_ += (minutes if found[4][0] == "+" else -minutes)',
    ),
    Misreading(
        "Trust policy",
        "an offset is passed over",
        "good--policy-time-negative-offset",
        "document.py",
        "* 60 + int(found[4][4:])",
        "* 0",
    ),
    Misreading(
        "Trust policy", "small letters are refused", "good--policy-time-small-letters", "document.py", "[Tt ]", "[T ]"
    ),
    Misreading(
        "Trust policy",
        "a space between day and time is refused",
        "good--policy-time-with-a-space",
        "document.py",
        "[Tt ]",
        "[Tt]",
    ),
    form(
        "a root may have any length", "ended-root-of-31-bytes", 'need(len(root) == 32, "a root of 32 bytes is due")', "pass"
    ),
    form(
        "base64 need not be canonical",
        "spki-base64",
        'need(base64.b64encode(raw).decode() == value, "base64 is not canonical")',
        "pass",
    ),
    form(
        "an origin may have a scheme",
        "origin-scheme",
        'need(is_origin(origin), f"origin {value}")',
        'need(is_origin(origin.replace(b"://", b"")), "an origin")',
    ),
    form("an origin may be any text", "origin-space", 'need(is_origin(origin), f"origin {value}")', "pass"),
    refused(
        "a key may appear twice",
        "key-twice",
        'need(len({key.spki for key in keys}) == len(keys), "a key appears twice")',
        "pass",
    ),
    refused(
        "another kind of store is passed over",
        "store-of-another-kind",
        '    bucket = fields(fields(value, ("s3",))["s3"]',
        '    if "s3" not in value:\n        return\n    bucket = fields(value["s3"]',
    ),
    refused("a second store is passed over", "store-of-two-kinds", 'fields(value, ("s3",))["s3"]', 'value["s3"]'),
    refused("a bucket's name may have two characters", "store-bucket-of-2", "{3,255}", "{2,255}"),
    refused("a bucket's name may have 256 characters", "store-bucket-of-256", "{3,255}", "{3,256}"),
    refused("a region may have 65 characters", "store-region-of-65", "{1,64}", "{1,65}"),
    refused("a region may be empty", "store-region-empty", "{1,64}", "{0,64}"),
    refused("an account may have 13 digits", "account-13", "[0-9]{12}", "[0-9]{12,13}"),
    refused("an account may have letters", "store-account-letters", "[0-9]{12}", "[0-9a-z]{12}"),
    refused("an account may be empty", "account", "[0-9]{12}", "(?:[0-9]{12})?"),
    refused("a log may be without keys", "no-verifier-key", "need(named and all(", "need(all("),
    refused(
        "a verifier key may be of no key",
        "verifier-key-without-its-key",
        'for key in items(value["verifier_keys"])]',
        'for key in items(value["verifier_keys"]) if key.encode() in known]',
    ),
    refused(
        "an own lock may have no span",
        "own-lock-empty",
        'parse_locks(value["lock"]) if "lock" in value else locks',
        'parse_locks(value["lock"]) if value.get("lock") else locks',
    ),
    Misreading(
        "Trust policy",
        "a log's own lock is passed over",
        "good--expired-in-an-own-lock",
        "policy.py",
        'parse_locks(value["lock"]) if "lock" in value else locks',
        "locks",
    ),
    refused(
        "a successor may be any text",
        "ended-successor",
        'optional(value, "successor", origin_of)',
        'optional(value, "successor", string)',
    ),
    refused(
        "a mode may be any text",
        "lock-mode",
        'need(value["mode"] in ("COMPLIANCE", "GOVERNANCE"), "mode")',
        'string(value["mode"])',
    ),
    accepted("GOVERNANCE is not a mode", "policy-governance", '("COMPLIANCE", "GOVERNANCE")', '("COMPLIANCE",)'),
    refused("a retention of 36,501 days", "retention-36501", "36_500)", "36_501)"),
    accepted("36,500 days are too many", "several-segments", "36_500)", "36_499)"),
    refused("a silence of no second", "silence-0", "1, (1 << 63) - 1)", "0, (1 << 63) - 1)"),
    accepted("a silence has less than 40 years", "retention-and-silence-in-turn", "(1 << 63) - 1)", "1 << 30)"),
    refused("any number of spans", "1001-spans", "<= MAX_SPANS", "<= 9999"),
    accepted("less than 1,000 spans", "policy-1000-spans", "<= MAX_SPANS", "< MAX_SPANS"),
    refused("spans may be in any order", "lock-order", "all(one.start < next_.start for", "all(True for"),
    refused("spans may begin together", "lock-together", "one.start < next_.start", "one.start <= next_.start"),
    refused("a policy may be without logs", "no-logs", '    need(logs, "no logs")\n', ""),
    refused(
        "an origin may appear twice",
        "origin-twice",
        'need(len({log.origin for log in logs}) == len(logs), "an origin appears twice")',
        "pass",
    ),
    refused(
        "a declared prefix need not end in a slash",
        "declared-without-slash",
        'need(all(prefix.endswith("/") for prefix in declared), "a declared prefix does not end in /")',
        "declared = [prefix.rstrip('/') + '/' for prefix in declared]",
    ),
    refused(
        "a declared prefix may cover a log",
        "declared-covers-log",
        "place.startswith(other) or other.startswith(place)",
        "(place.startswith(other) and other not in declared) or other.startswith(place)",
    ),
    refused(
        "a declared prefix may be in a log",
        "declared-in-log",
        "place.startswith(other) or other.startswith(place)",
        "place.startswith(other) or (other.startswith(place) and other not in declared)",
    ),
    refused(
        "a log may be in the folder of another",
        "prefix-overlap",
        "others = places[:at] + places[at + 1 :] + declared",
        "others = declared",
    ),
    Misreading(
        "Trust policy",
        "prefixes overlap where names begin alike",
        "good--two-logs",
        "policy.py",
        'places = [log.prefix + "/" for log in logs]',
        "places = [log.prefix for log in logs]",
    ),
    refused("a prefix may lead out of the folder", "prefix-dot-dot", ' and part not in (".", "..")', ' and part != "."'),
    refused("a prefix may have a dot for a part", "prefix-dot", ' and part not in (".", "..")', ' and part != ".."'),
    refused("a prefix may have an empty part", "prefix-two-slashes", "[A-Za-z0-9._=@~-]+", "[A-Za-z0-9._=@~-]*"),
    refused("a prefix may have 513 bytes", "prefix-513-bytes", "len(prefix) <= 512", "len(prefix) <= 513"),
    accepted("a prefix has less than 512 bytes", "prefix-of-512-bytes", "len(prefix) <= 512", "len(prefix) < 512"),
    accepted("a prefix has fewer characters", "prefix-of-each-character", "._=@~-]", "._=@-]"),
    refused("an end in a store need not have been stored", "ended-not-stored", " or not in_store", " or True"),
    accepted("an end in a folder was stored", "policy-ended-in-a-folder", " or not in_store", ""),
    refused(
        "a retention may be shorter than twice the silence",
        "retention-short",
        "need(end + lock.retention < now,",
        "need(True,",
    ),
    accepted(
        "a short retention stays wrong for ever", "retention-was-short", "need(end + lock.retention < now,", "need(False,"
    ),
    refused(
        "a short retention has no effect once its span is over",
        "retention-was-short-and-lasts",
        "end + lock.retention < now",
        "end < now",
    ),
    Misreading(
        "Trust policy",
        "the document's retention is compared with the silence",
        "good--retention-of-the-own-lock",
        "policy.py",
        'parse_locks(value["lock"]) if "lock" in value else locks,',
        "locks,",
    ),
    Misreading(
        "Acknowledged",
        "an entry may be of a log that is not declared",
        "no-verdict--acknowledged-log",
        "policy.py",
        "all(entry.log is None or entry.log in {log.origin for log in logs} for entry in entries)",
        "True",
    ),
    Misreading(
        "Acknowledged",
        "a loss in a folder may have a time of storage",
        "no-verdict--acknowledged-loss-stored",
        "policy.py",
        "need(in_store or before is None or before[2] is None,",
        "need(True,",
    ),
    Misreading(
        "Acknowledged",
        "a loss in a bucket needs a time of storage",
        "good--acknowledged-loss-not-stored",
        "policy.py",
        "need(in_store or before is None or before[2] is None,",
        "need(before is None or (before[2] is not None) == in_store,",
    ),
    Misreading(
        "Trust policy",
        "retention is at least the silence",
        POLICY + "retention-short",
        "spans.py",
        "lock.retention < 2 * silence.length",
        "lock.retention < silence.length",
    ),
    Misreading(
        "Trust policy",
        "retention is more than twice the silence",
        "good--retention-twice-the-silence",
        "spans.py",
        "lock.retention < 2 * silence.length",
        "lock.retention <= 2 * silence.length",
    ),
    Misreading(
        "Trust policy",
        "spans of which only one lasts at a time are compared with each other",
        "good--retention-and-silence-in-turn",
        "spans.py",
        "if max(lock_start, start) < overlap and lock",
        "if lock",
    ),
    Misreading(
        "Trust policy",
        "only the last spans are compared with each other",
        POLICY + "retention-short-in-the-middle",
        "spans.py",
        "for lock, lock_start, lock_end in lasting(locks):",
        "for lock, lock_start, lock_end in lasting(locks)[-1:]:",
    ),
    key(
        "a key may be retired before it is valid",
        "retired-before-valid",
        'need(key.retired_at is None or key.retired_at >= key.valid_from, "a key retired before it was valid")',
        "pass",
    ),
    Misreading(
        "Trust policy",
        "a key is retired after it is valid",
        "good--policy-retired-when-valid",
        "keys.py",
        "key.retired_at >= key.valid_from",
        "key.retired_at > key.valid_from",
    ),
    key(
        "a last good segment may be named twice",
        "last-good-twice",
        'need(origin not in good, "last_good names an origin twice")',
        "pass",
    ),
    key(
        "a key may be of another spec",
        "ecc-nist-p256-as-another",
        '"ECC_NIST_P384": lambda key: key.curve.name == "secp384r1",',
        '"ECC_NIST_P384": lambda key: True,',
    ),
    key("an RSA key may have another length", "rsa-2048-as-another", "key.key_size == 4096", "True"),
    key(
        "spki need not be canonical",
        "rsa-without-null",
        'need(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki, "spki is not canonical DER")',
        "pass",
    ),
    key(
        "points may be compressed",
        "compressed-point",
        'need(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == spki, "spki is not canonical DER")',
        "pass",
    ),
    key(
        "any Ed25519 key is good",
        "ed25519-off-the-curve",
        '    "ECC_NIST_EDWARDS25519": lambda key: curve.is_sound(key.public_bytes(Encoding.Raw, PublicFormat.Raw)),\n',
        "",
    ),
    curve("keys may be above the prime", "ed25519-not-canonical", "    if y >= P:\n        return False\n", ""),
    curve("keys of small order are good", "ed25519-of-order-8", "times_8((x, y)) != (0, 1)", "True"),
    curve(
        "only the neutral element is of small order", "ed25519-of-order-2", "times_8((x, y)) != (0, 1)", "(x, y) != (0, 1)"
    ),
    curve("orders are at most 4", "ed25519-of-order-8", "range(3)", "range(2)"),
    explained(
        "any code may be acknowledged",
        "code",
        'need(code in SHAPES, f"{code} cannot be acknowledged")\n    shape = SHAPES[code]',
        'shape = SHAPES.get(code, "segment")',
    ),
    explained(
        "a description may be any of the four",
        "shape",
        "    shape = SHAPES[code]\n",
        '    shape = next((name for name in PARSE if name in value), "silence")\n',
    ),
    explained("an entry may be without its log", "no-log", '"log" in value or code == "object-unaccounted"', "True"),
    Misreading(
        "Acknowledged",
        "every entry has a log",
        "good--acknowledged-of-each-code",
        "acknowledged.py",
        ' or code == "object-unaccounted"',
        "",
    ),
    explained("a reason may be empty", "reason", 'string(value["reason"]).strip()', 'string(value["reason"]) is not None'),
    explained(
        "a date may be a day",
        "date",
        '    moment(value["date"])\n    need("log"',
        '    string(value["date"])\n    need("log"',
    ),
    explained("a silence may end when it begins", "silence-order", "need(since < until,", "need(since <= until,"),
    explained(
        "a loss may end before it begins",
        "loss-order",
        'need(missing.first <= missing.last, "a loss that ends before it begins")',
        "pass",
    ),
    explained(
        "a loss may be without what was before it",
        "loss-without-before",
        "(missing.first == 0) == (missing.before is None)",
        "missing.first or missing.before is None",
    ),
    explained(
        "a loss from 0 may have something before it",
        "loss-from-0-with-before",
        "(missing.first == 0) == (missing.before is None)",
        "missing.first == 0 or missing.before",
    ),
    explained(
        "a pin may be outside of its loss",
        "loss-pin",
        "missing.pin is None or missing.first <= missing.pin[0] <= missing.last",
        "True",
    ),
    pins("another version is read", "version", 'integer(value["pins"], 1, 1)', 'integer(value["pins"], 1, 9)'),
    pins("names may be any text", "origin", "origin_of(origin): parse_pin(pin)", "origin.encode(): parse_pin(pin)"),
    pins(
        "null is an absent stored",
        "null-stored",
        'optional(value, "stored", moment)',
        'moment(value["stored"]) if value.get("stored") else None',
    ),
    Misreading("Pins", "a pin has no stored", "good--pin-with-stored", "pins.py", ', ("stored", "cache"))', ', ("cache",))'),
]
