"""What a reviewer expects of an audit trail, as checks of Checkov. The numbers are those of the rules in ../auditlog.rego:

    checkov --directory . --external-checks-dir examples/policies/checkov --check 'CKV_AUDITLOG*'

A value that is known only later, such as one from another resource or a data source, passes: the rules for plans see it.
"""

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

# Days that a bucket must lock for, at least. Replace it with what your rules require.
REQUIRED_DAYS = 365

PRESET_DAYS = {"sec-17a-4": 2192, "finra-4511": 2192, "pci-dss-10": 366, "hipaa": 2192}
BUCKET, KEY, ARCHIVE = "auditlog_bucket", "auditlog_signing_key", "auditlog_trust_policy_archive"


def plain(value):
    """A value without the list that the parser puts around each."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def of(holder, name):
    return plain(holder.get(name)) if isinstance(holder, dict) else None


def is_set(holder, name):
    """Whether somebody has set it: to an empty list, or to something that is known only later, too."""
    return isinstance(holder, dict) and holder.get(name) not in (None, [None])


def logs_of(conf):
    """The logs by name, as far as the text says them."""
    logs = of(conf, "logs")
    return {name: plain(log) for name, log in logs.items()} if isinstance(logs, dict) else {}


def locks_of(conf):
    """The lock of the bucket, and those of logs that have their own."""
    locks = [of(conf, "object_lock"), *(of(log, "object_lock") for log in logs_of(conf).values())]
    return [lock for lock in locks if isinstance(lock, dict)]


def number(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def days_of(lock):
    """The days of a lock; none where they are known only later."""
    days, years = number(of(lock, "days")), number(of(lock, "years"))
    if days is not None:
        return days
    return years * 365 if years is not None else PRESET_DAYS.get(of(lock, "preset"))


class Rule(BaseResourceCheck):
    """One rule for types of resources: whether a configuration breaks it."""

    def __init__(self, rule, name, resources, breaks, looks_at):
        self.breaks, self.looks_at = breaks, looks_at
        super().__init__(name=name, id=f"CKV_AUDITLOG_{rule}", categories=[CheckCategories.LOGGING], supported_resources=resources)

    def scan_resource_conf(self, conf):
        return CheckResult.FAILED if self.breaks(conf) else CheckResult.PASSED

    def get_evaluated_keys(self):
        return self.looks_at


Rule(1, "Ensure that no lock can be bypassed (COMPLIANCE)", [BUCKET, ARCHIVE],
     lambda conf: any(of(lock, "mode") == "GOVERNANCE" for lock in locks_of(conf)), ["object_lock/mode", "logs"])
Rule(2, f"Ensure that objects are locked for at least {REQUIRED_DAYS} days", [BUCKET, ARCHIVE],
     lambda conf: any((days := days_of(lock)) is not None and days < REQUIRED_DAYS for lock in locks_of(conf)), ["object_lock/days", "logs"])
Rule(3, "Ensure that administrators and break_glass are stated", [BUCKET],
     lambda conf: not (is_set(conf, "administrators") and is_set(conf, "break_glass")), ["administrators", "break_glass"])
Rule(4, "Ensure that writers and readers of each log are stated", [BUCKET],
     lambda conf: any(not (is_set(log, "writers") and is_set(log, "readers")) for log in logs_of(conf).values() if isinstance(log, dict)),
     ["logs"])
Rule(5, "Ensure that a destroy does not delete the trail", [BUCKET], lambda conf: of(conf, "on_destroy") == "empty", ["on_destroy"])
Rule(6, "Ensure that nothing weakens the bucket", [BUCKET],
     lambda conf: isinstance(of(conf, "allow_weakening"), list) and bool(of(conf, "allow_weakening")), ["allow_weakening"])
Rule(8, "Ensure that administrators and signers are stated", [KEY],
     lambda conf: not (is_set(conf, "administrators") and is_set(conf, "signers")), ["administrators", "signers"])
Rule(9, "Ensure that a destroy keeps the key", [KEY],
     lambda conf: of(conf, "on_destroy") == "schedule_deletion", ["on_destroy"])
Rule(10, "Ensure that the key rotates", [KEY], lambda conf: not is_set(conf, "rotation"), ["rotation"])
Rule(11, "Ensure that the bucket declares logs", [BUCKET], lambda conf: not is_set(conf, "logs"), ["logs"])
