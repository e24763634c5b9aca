"""V11 to V16: who must have signed the segments of a log, and until when their signatures count."""

from fault import Fault

SKEW = 300 * 1_000_000


class Signers:
    """The keys of one log, segment after segment."""

    def __init__(self, log):
        self.log = log
        self.active = None  # the verifier key that signs, where that is known
        self.undecided = set()  # verifier keys that were compromised, and nobody says up to where they were good

    def judge(self, segment):
        """The faults of one sound segment."""
        try:
            required, spared = self.signatures(segment)
        except Fault as fault:
            self.active = None
            return [fault]
        self.active = required[0]
        due = required[:1] if spared else required
        found = [outside_span() for key in due if not valid_at(self.log.keys[key], segment.sealed)]
        return found + self.compromised(segment)

    def signatures(self, segment):
        """V11 to V13: the required verifier keys, and whether the previous one need not sign."""
        required = self.required(segment)
        self.used(required)
        keys = [self.log.keys[key] for key in required]
        spared = len(keys) == 2 and self.need_not_sign(keys[1], segment)
        known = {key_id(key): key for key in self.log.keys}
        if any(one not in known for one, _ in segment.signatures):
            raise Fault("key-unknown", "a signature of a key that the policy does not name")
        self.used(known[one] for one, _ in segment.signatures)
        if len(segment.signatures) not in ((1, 2) if spared else (len(keys),)):
            raise Fault("signature-count", f"{len(segment.signatures)} signatures")
        for name, key, (one, signature) in zip(required, keys, segment.signatures):
            if one != key_id(name):
                raise Fault("signature-key", "the signature is of another key")
            if not key.signed(segment, signature):
                raise Fault("signature-invalid", "the signature is wrong")
        return required, spared

    def required(self, segment):
        """The keys of the key line; without one, the key that is active."""
        if segment.key:
            named = [key for key in segment.key if key is not None]
            if self.active and len(named) == 2 and named[1] != self.active:
                raise Fault("key-line", "previous is not the active key", 2)
            if any(key not in self.log.keys for key in named):
                raise Fault("key-unknown", "a key line names a key that the policy does not name", 2)
            return named
        if self.active:
            return [self.active]
        claimed = [key for key in self.log.keys if key_id(key) == segment.signatures[0][0]]
        if not claimed:
            raise Fault("key-unknown", "a signature of a key that the policy does not name")
        return claimed[:1]

    def need_not_sign(self, key, segment):
        """V12: whether a rotation away from this key does without its signature."""
        gone = [key.retired_at, key.lost_at, key.compromised and key.compromised["at"]]
        if any(time is not None and time <= segment.sealed for time in gone):
            return True
        good = key.last_good(self.log.origin)
        return good is not None and good[0] < segment.number

    def used(self, names):
        """V16: notes the keys that signed or had to, and of which nobody says up to where they were good."""
        for name in names:
            key = self.log.keys[name]
            if key.compromised and key.last_good(self.log.origin) is None:
                self.undecided.add(name)

    def compromised(self, segment):
        """V15: a compromised key signs nothing after its last good segment."""
        good = self.log.keys[self.active].last_good(self.log.origin)
        if good is not None and segment.number > good[0]:
            return [Fault("key-compromised", "signed after the last good segment")]
        return []

    def last_good(self):
        """The last good segments that the policy names, each as (segment, size, root)."""
        named = [key.last_good(self.log.origin) for key in self.log.keys.values()]
        return [good for good in named if good is not None]


def outside_span():
    return Fault("key-outside-span", "the key was not valid when the segment was sealed")


def valid_at(key, sealed):
    """V14: in a folder a key has only an end."""
    return key.retired_at is None or sealed <= key.retired_at + SKEW


def key_id(verifier_key):
    """The four bytes of a verifier key; its base64 may have a + too."""
    return bytes.fromhex(verifier_key.split(b"+", 2)[1].decode())
