# What a reviewer expects of an audit trail, as rules over a plan of Terraform:
#
#     terraform plan -out=planned && terraform show -json planned > plan.json
#     conftest test --policy examples/policies --namespace auditlog plan.json
#     opa eval --data examples/policies --input plan.json data.auditlog.deny
#
# A value that is known only after the apply passes: the plan of the next run has it.
package auditlog

import rego.v1

# Days that a bucket must lock for, at least. Replace it with what your rules require.
required_days := 365

ours(type) := [change |
	some change in input.resource_changes
	change.mode == "managed"
	change.type == type
	change.change.after != null
]

# An attribute that nobody has set: absent or null, and not known only later.
unset(change, path) if {
	object.get(change.change.after, path, null) == null
	object.get(change.change.after_unknown, path, false) != true
	not later(change, path)
}

# One of the objects on the way to it is known only later.
later(change, path) if {
	some length in numbers.range(1, count(path))
	object.get(change.change.after_unknown, array.slice(path, 0, length), false) == true
}

preset_days := {"sec-17a-4": 2192, "finra-4511": 2192, "pci-dss-10": 366, "hipaa": 2192}

days_of(lock) := lock.days if {
	is_number(lock.days)
}

days_of(lock) := lock.years * 365 if {
	not is_number(lock.days)
	is_number(lock.years)
}

days_of(lock) := preset_days[lock.preset] if {
	not is_number(lock.days)
	not is_number(lock.years)
}

# The lock of each bucket, and those of logs that have their own.
locks contains [change.address, "the bucket", change.change.after.object_lock] if {
	some change in ours("auditlog_bucket")
}

locks contains [change.address, sprintf("the log %s", [name]), log.object_lock] if {
	some change in ours("auditlog_bucket")
	some name, log in change.change.after.logs
	is_object(log.object_lock)
}

# An archive without a lock of its own has the strongest one of its policy.
locks contains [change.address, "the archive", change.change.after.object_lock] if {
	some change in ours("auditlog_trust_policy_archive")
	is_object(change.change.after.object_lock)
}

deny contains sprintf("%s: the lock of %s is GOVERNANCE, which can be bypassed: use COMPLIANCE (AUDITLOG_1)", [address, of]) if {
	some [address, of, lock] in locks
	lock.mode == "GOVERNANCE"
}

deny contains sprintf("%s: objects of %s are locked for %d days, at least %d are required (AUDITLOG_2)", [address, of, days, required_days]) if {
	some [address, of, lock] in locks
	days := days_of(lock)
	days < required_days
}

deny contains sprintf("%s: `%s` is not set, so that IAM alone decides (AUDITLOG_3)", [change.address, list]) if {
	some change in ours("auditlog_bucket")
	some list in ["administrators", "break_glass"]
	unset(change, [list])
}

deny contains sprintf("%s: `%s` of the log %s is not set, so that IAM alone decides (AUDITLOG_4)", [change.address, list, name]) if {
	some change in ours("auditlog_bucket")
	some name, _ in change.change.after.logs
	some list in ["writers", "readers"]
	unset(change, ["logs", name, list])
}

deny contains sprintf("%s: a destroy would delete the trail: do not set `on_destroy = \"empty\"` (AUDITLOG_5)", [change.address]) if {
	some change in ours("auditlog_bucket")
	change.change.after.on_destroy == "empty"
}

deny contains sprintf("%s: weakens the bucket: %s (AUDITLOG_6)", [change.address, entry]) if {
	some change in ours("auditlog_bucket")
	some entry in change.change.after.allow_weakening
}

deny contains sprintf("%s: would be deleted (AUDITLOG_7)", [change.address]) if {
	some change in input.resource_changes
	change.type in ["auditlog_bucket", "auditlog_signing_key"]
	"delete" in change.change.actions
}

deny contains sprintf("%s: `%s` is not set, so that every administrator of IAM can sign or change the key (AUDITLOG_8)", [change.address, list]) if {
	some change in ours("auditlog_signing_key")
	some list in ["administrators", "signers"]
	unset(change, [list])
}

deny contains sprintf("%s: a destroy would delete the key: leave `on_destroy` at \"retain\" (AUDITLOG_9)", [change.address]) if {
	some change in ours("auditlog_signing_key")
	on_destroy := change.change.after.on_destroy
	on_destroy != "retain"
}

warn contains sprintf("%s: never makes a new version of itself: set `rotation` (AUDITLOG_10)", [change.address]) if {
	some change in ours("auditlog_signing_key")
	unset(change, ["rotation"])
}

warn contains sprintf("%s: the bucket declares no logs, so that nothing is verified (AUDITLOG_11)", [change.address]) if {
	some change in ours("auditlog_bucket")
	unset(change, ["logs"])
}
