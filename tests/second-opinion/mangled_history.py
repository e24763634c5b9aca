"""Histories of logs at random: what was sealed when, what is gone, what was forged, pinned and explained."""

import base64

from forge import HOUR, Key, Log, Range, sha256, short, silence, span

DAY = 24 * HOUR
LIMIT = 2_097_152
ALWAYS, EXPIRED = 36_500, 1


class History:
    """A log, its policy and its pins. Most are honest in most things, so that the rest decides."""

    def __init__(self, random_):
        self.random, self.made = random_, []
        self.log = Log()
        self.whole = None
        self.grow()
        self.whole = dict(self.log.objects)
        self.gone = self.lose()
        self.at = self.log.head.sealed + self.random.choice((0, 600, 3 * HOUR, 30 * HOUR, -5 * HOUR))
        self.pins = self.pinned()
        self.policy = self.declared()

    def some(self, chance):
        return self.random.random() < chance

    def grow(self):
        """Segments at irregular times, now and then from a head that nobody saw, or by another key."""
        time = 0
        for number in range(self.random.randrange(3, 9)):
            if number > 1 and self.some(0.15):
                self.forge()
            rotate = number > 0 and self.some(0.15)
            change = (Key("ECC_NIST_EDWARDS25519", f"{number}"), self.log.key) if rotate else None
            signers = list(change)[: self.random.choice((1, 2, 2, 2))] if change else None
            self.log.add(() if self.some(0.3) else ("1",), opened=time, sealed=time + 60, change=change, signers=signers)
            time += self.random.choice((HOUR, HOUR, HOUR, 2 * HOUR - 60, 2 * HOUR, 3 * HOUR, 26 * HOUR))

    def forge(self):
        """The next segment goes on from elsewhere."""
        head = self.log.head
        skipped = self.random.choice((0, 1, 2))
        head.number += skipped
        self.log.heads += [head.copy()] * skipped
        lines = self.random.choice((2 * skipped, 2 * skipped - 1, 3 * skipped, LIMIT * skipped, LIMIT * skipped + 1))
        if lines > 0:
            head.range = range_of(head.range.size + lines)
        head.sealed += self.random.choice((0, 0, -1, -HOUR, -0.000001, 30))
        self.made.append(f"forged {head.number}")

    def lose(self):
        """Some ranges of segments."""
        numbers = sorted(int(name[-21:-10]) for name in self.log.objects)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            first = self.random.choice(numbers)
            for number in range(first, first + self.random.randrange(1, 4)):
                self.log.objects.pop(self.log.name(number), None)
        kept = {int(name[-21:-10]) for name in self.log.objects}
        gone = sorted(set(range(len(self.log.heads))) - kept)
        self.made.append(f"gone {gone}")
        return gone

    def pinned(self):
        if self.some(0.5):
            return None
        number = self.random.choice(self.gone) if self.gone and self.some(0.6) else self.random.randrange(len(self.log.heads))
        pin = self.log.pin(number)
        if self.some(0.3):
            pin["size"] += self.random.choice((1, -1, 2))
        if self.some(0.15):
            pin["root"] = base64.b64encode(sha256(b"x")).decode()
        if self.some(0.2):
            pin["sealed"] = short(self.log.heads[number].sealed + self.random.choice((1, -1, HOUR, -HOUR)))
        if self.some(0.15):
            pin["stored"] = short(self.log.heads[number].sealed + self.random.choice((0, HOUR)))
        self.made.append(f"pin {number}")
        return {"pins": 1, "logs": {self.log.origin: pin}}

    def declared(self):
        log = self.log
        spans = [span(0, self.random.choice((EXPIRED, ALWAYS)))]
        if self.some(0.5):
            spans.append(span(self.moment(), self.random.choice((EXPIRED, ALWAYS))))
        more = {"max_silence": self.silences()}
        if self.some(0.25):
            number = self.random.randrange(len(log.heads))
            more["ended"] = log.end(number)
            self.made.append(f"ended {number}")
        if self.some(0.2):
            more["lock"] = [span(0, self.random.choice((EXPIRED, ALWAYS)))]
        return log.policy(lock=spans, logs=[log.log_policy(**more)], keys=self.keys(), acknowledged=self.explanations())

    def moment(self):
        """About the time at which something was sealed."""
        return max(1, self.random.choice(self.log.heads).sealed + self.random.choice((0, 0.000001, -0.000001, 300, HOUR)))

    def silences(self):
        lengths = (HOUR, 2 * HOUR, 2 * HOUR + 60, 3 * HOUR, 4 * HOUR, 11 * HOUR)
        begins = sorted({0, *[self.moment() for _ in range(self.random.choice((0, 0, 1, 2)))]})
        return [silence(begin, self.random.choice(lengths)) for begin in begins]

    def keys(self):
        facts = lambda: {  # noqa: E731
            name: short(self.moment()) for name in ("lost_at", "retired_at") if self.some(0.15)
        }
        return [key.policy(**facts(), **self.compromised()) for key in self.log.keys]

    def compromised(self):
        if self.some(0.9):
            return {}
        place = {"origin": self.log.origin, **self.log.position(self.random.randrange(len(self.log.heads)))}
        return {"compromised": {"at": short(self.moment()), "last_good": [place] if self.some(0.7) else []}}

    def explanations(self):
        found = []
        for _ in range(self.random.choice((0, 0, 1, 2))):
            if self.gone and self.some(0.6):
                found.append(self.explained_loss())
            else:
                since, until = sorted((self.moment(), self.moment() + 1))
                found.append(entry("silence-exceeded", silence={"from": short(since), "until": short(max(until, since + 1))}))
        return found

    def explained_loss(self):
        first = self.random.choice(self.gone)
        last = first
        while last + 1 in self.gone and self.some(0.8):
            last += 1
        missing = {"first": first, "last": last}
        if first:
            missing["before"] = self.side(first - 1)
        if last + 1 < len(self.log.heads) and self.some(0.9):
            missing["after"] = self.side(last)
        if self.pins and self.some(0.6):
            pin = self.pins["logs"][self.log.origin]
            if first <= pin["segment"] <= last:
                missing["pin"] = {name: pin[name] for name in ("segment", "size", "root")}
        self.made.append(f"explained {first} to {last}")
        return entry("segment-missing", missing=missing)

    def side(self, number):
        place = self.log.position(number)
        return {"size": place["size"] + (self.random.choice((1, -1, 2)) if self.some(0.15) else 0), "root": place["root"]}


def entry(code, **found):
    return {"code": code, "log": Log().origin, "reason": "at random", "date": short(0), **found}


def explained(log):
    """An entry of each shape."""
    size = {"size": log.position(0)["size"], "root": log.position(0)["root"]}
    return [
        entry("silence-exceeded", silence={"from": short(0), "until": short(HOUR)}),
        entry("segment-missing", missing={"first": 1, "last": 2, "before": {**size, "stored": short(0)}, "after": size, "pin": {"segment": 1, **size}}),
        entry("lock-mode", version={"object": "x", "version_id": "1", "retain_until": short(HOUR)}),
        entry("stored-order", segment={"number": 1, "sealed": short(0), "stored": short(0)}),
    ]


def range_of(size):
    """A compact range of some size, of which nobody knows the leaves."""
    made_up = Range()
    made_up.size = size
    made_up.trees = [(1 << bit, sha256(bytes([bit]))) for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
    return made_up
