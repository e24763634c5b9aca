"""The trust policy of docs/guides/trust-policy.md."""

import re
from dataclasses import dataclass

import spans
from acknowledged import parse_entry
from document import count, document, fields, integer, items, moment, need, optional, origin_of, string
from keys import parse_key, parse_position

MAX_SPANS = 1000
STORE = (("bucket", "[A-Za-z0-9._-]{3,255}"), ("region", "[A-Za-z0-9-]{1,64}"), ("account", "[0-9]{12}"))


@dataclass
class Ended:
    """Where a log was declared to have ended."""

    position: tuple  # (segment, size, root)
    sealed: int
    stored: int  # None, where nothing is stored


@dataclass
class Log:
    """One log, with everything that the policy says of it."""

    origin: bytes
    prefix: str
    format: int
    began: int
    silences: list
    locks: list
    keys: dict  # verifier key -> Key
    ended: Ended
    acknowledged: list

    def name(self, number):
        """The key of a segment's object."""
        return f"{self.prefix}/{number:012}.jsonl.zst"

    def retention(self, time):
        """How long something must be kept that was stored at `time`."""
        return spans.at(self.locks, time).retention


def parse_policy(data, now):
    """The logs that are declared, or `NoVerdict`."""
    value = document(data)
    need(value.get("trust_policy") == 1, "unsupported version")
    fields(value, ("trust_policy", "lock", "logs", "keys"), ("store", "acknowledged", "declared_prefixes"))
    integer(value["trust_policy"], 1, 1)
    optional(value, "store", parse_store)
    locks = parse_locks(value["lock"])
    keys = [parse_key(key) for key in items(value["keys"])]
    need(len({key.spki for key in keys}) == len(keys), "a key appears twice")
    entries = [parse_entry(entry) for entry in items(value.get("acknowledged", []))]
    logs = [parse_log(log, keys, locks, entries) for log in items(value["logs"])]
    distinct(logs, [string(prefix) for prefix in items(value.get("declared_prefixes", []))])
    need(all(entry.log is None or entry.log in {log.origin for log in logs} for entry in entries), "an unknown log")
    for log in logs:
        timely(log, entries, "store" in value, now)
    return logs


def parse_store(value):
    """The only kind of store is a bucket in S3; another kind is unsupported."""
    bucket = fields(fields(value, ("s3",))["s3"], ("bucket", "region", "account"))
    for name, form in STORE:
        need(re.fullmatch(form, string(bucket[name])), f"store {name}")


def parse_log(value, keys, locks, entries):
    required = ("origin", "prefix", "format", "began", "max_silence", "verifier_keys")
    fields(value, required, ("lock", "ended"))
    origin = origin_of(value["origin"])
    known = {key.verifier_key(origin): key for key in keys}
    named = [string(key).encode() for key in items(value["verifier_keys"])]
    need(named and all(key in known for key in named), f"a verifier key of {value['origin']} is of no key")
    return Log(
        origin,
        string(value["prefix"]),
        count(value["format"]),
        moment(value["began"]),
        ordered([parse_silence(span) for span in items(value["max_silence"])]),
        parse_locks(value["lock"]) if "lock" in value else locks,
        {key: known[key] for key in named},
        optional(value, "ended", parse_ended),
        [entry for entry in entries if entry.log == origin],
    )


def parse_ended(value):
    fields(value, ("segment", "size", "root", "sealed"), ("stored", "successor"))
    optional(value, "successor", origin_of)
    return Ended(parse_position(value), moment(value["sealed"]), optional(value, "stored", moment))


def parse_locks(value):
    return ordered([parse_lock(span) for span in items(value)])


def parse_lock(value):
    fields(value, ("from", "mode", "retention_days"))
    need(value["mode"] in ("COMPLIANCE", "GOVERNANCE"), "mode")
    return spans.Lock(moment(value["from"]), integer(value["retention_days"], 1, 36_500) * spans.DAY)


def parse_silence(value):
    fields(value, ("from", "seconds"))
    return spans.Silence(moment(value["from"]), integer(value["seconds"], 1, (1 << 63) - 1) * spans.SECOND)


def ordered(found):
    need(0 < len(found) <= MAX_SPANS, "no span, or too many")
    need(all(one.start < next_.start for one, next_ in zip(found, found[1:])), "spans are not in order")
    return found


def distinct(logs, declared):
    """No two logs have one name, and no two places overlap."""
    need(logs, "no logs")
    need(len({log.origin for log in logs}) == len(logs), "an origin appears twice")
    need(all(prefix.endswith("/") for prefix in declared), "a declared prefix does not end in /")
    prefixes = [log.prefix for log in logs] + [prefix[:-1] for prefix in declared]
    need(all(is_prefix(prefix) for prefix in prefixes), "a prefix has another form")
    places = [log.prefix + "/" for log in logs]
    for at, place in enumerate(places):
        others = places[:at] + places[at + 1 :] + declared
        need(not any(place.startswith(other) or other.startswith(place) for other in others), f"{place} overlaps")


def is_prefix(prefix):
    parts = prefix.split("/")
    form = all(re.fullmatch(r"[A-Za-z0-9._=@~-]+", part) and part not in (".", "..") for part in parts)
    return form and len(prefix) <= 512


def timely(log, entries, in_store, now):
    """What the times of a log must be among each other."""
    need(log.ended is None or log.ended.stored is not None or not in_store, "an end without its time in the store")
    for lock, end in spans.short_retentions(log.locks, log.silences):
        need(end + lock.retention < now, "a retention of less than twice the silence")
    for entry in log.acknowledged:
        before = entry.found.before if entry.code == "segment-missing" else None
        need(in_store or before is None or before[2] is None, "`stored` of `before` belongs there in a store only")
