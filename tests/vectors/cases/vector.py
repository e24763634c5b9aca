"""What a vector is, and how the usual ones are made."""

from dataclasses import dataclass

from forge import Log, document_bytes, policy, short

ED = "ECC_NIST_EDWARDS25519"
SPECS = (ED, "ECC_NIST_P256", "ECC_NIST_P384", "RSA_2048", "RSA_3072", "RSA_4096", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87")


@dataclass
class Vector:
    name: str
    exit: int
    what: str
    objects: dict
    policy: object
    at: str
    code: str = None
    object: str = None
    line: int = None
    index: int = None
    pins: object = None
    faults: int = 1
    acknowledged: int = 0

    def expected(self):
        shown = {"what": self.what, "exit": self.exit, "at": self.at}
        for name in ("code", "object", "line", "index"):
            if getattr(self, name) is not None:
                shown[name] = getattr(self, name)
        if self.exit == 1 and self.faults != 1:
            shown["faults"] = self.faults
        if self.acknowledged:
            shown["acknowledged"] = self.acknowledged
        return shown

    def policy_bytes(self):
        return self.policy if isinstance(self.policy, bytes) else document_bytes(self.policy)


def good(name, what, log, policy_=None, **more):
    return made("good--" + name, 0, what, log, policy_, **more)


def no_verdict(name, what, log, policy_=None, **more):
    return made("no-verdict--" + name, 2, what, log, policy_, **more)


def fault(code, name, what, log, policy_=None, object=1, **more):
    place = log.name(object) if isinstance(object, int) else object
    return made(f"{code}--{name}", 1, what, log, policy_, code=code, object=place, **more)


def made(name, exit_, what, log, policy_, at=None, objects=None, **more):
    at = log.head.sealed + 600 if at is None and isinstance(log.head.sealed, (int, float)) else at or 0
    objects = dict(log.objects) if objects is None else objects
    return Vector(name, exit_, what, objects, log.policy() if policy_ is None else policy_, short(at), **more)


def log_of(segments, key=None, **more):
    log = Log(key, **more)
    for _ in range(segments):
        log.add()
    return log


def edited(code, name, what, edits, line=None, index=None, segment=1, **more):
    """A log of which one segment is edited before it is hashed and signed."""
    log = log_of(segment)
    log.add(edits=edits, **more)
    return fault(code, name, what, log, object=segment, line=line, index=index)


def entry_of(code, name, what, value, kind="event", line=2, index=4, **more):
    log = log_of(1).add((value,), kind=kind, **more)
    return fault(code, name, what, log, line=line, index=index)


def without(log, *numbers):
    gone = [log.name(number) for number in numbers]
    return {key: data for key, data in log.objects.items() if key not in gone}
