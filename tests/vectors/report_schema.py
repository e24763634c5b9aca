#!/usr/bin/env python3
"""Whether docs/report.schema.json says what auditlog-verify writes: JSON Lines of reports on standard input.

A reader must accept fields that it does not know. Here none may be unknown: what is written is described. Each kind of finding must occur
at least once, and a code that the schema does not list must fail. The schema needs no other file: what it has of the policy's schema, each with
`policy_` before its name, is a copy of that.
"""

import copy
import json
import os
import sys

from jsonschema import Draft202012Validator

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return json.load(file)


def closed(schema):
    """The schema, in which no object has a field that is not described."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: closed(value) for name, value in schema.items()}
    if isinstance(out.get("properties"), dict) and out.get("type") == "object":
        out.setdefault("additionalProperties", False)
    return out


def copied(schema, policy):
    """What of the policy's schema is not as it is there."""
    text = json.dumps({name: value for name, value in schema["$defs"].items() if name.startswith("policy_")})
    ours = json.loads(text.replace("#/$defs/policy_", "#/$defs/"))
    return [
        f"{name} is not what trust-policy.schema.json says"
        for name, value in ours.items()
        if value != policy["$defs"].get(name.removeprefix("policy_"))
    ]


def main():
    schema, policy = read("report.schema.json"), read("trust-policy.schema.json")
    Draft202012Validator.check_schema(schema)
    strict, published = Draft202012Validator(closed(schema)), Draft202012Validator(schema)
    wrong, seen = copied(schema, policy), {}
    reports = [json.loads(line) for line in sys.stdin]
    for number, report in enumerate(reports):
        wrong += [f"report {number}: {error.json_path}: {error.message}" for error in strict.iter_errors(report)]
        for kind in ("logs", "faults", "acknowledged", "undecided", "notes", "not_checked"):
            if report[kind]:
                seen.setdefault(kind, report)
    for kind in ("logs", "faults", "acknowledged", "undecided", "notes", "not_checked"):
        if kind not in seen:
            wrong.append(f"no report has {kind}")
            continue
        changed = copy.deepcopy(seen[kind])
        first = changed[kind][0]
        first["added_later"] = 1
        if not published.is_valid(changed):
            wrong.append(f"{kind}: a field that was added later is refused")
        if strict.is_valid(changed):
            wrong.append(f"{kind}: a field that is not described is accepted")
        field = "verdict" if kind == "logs" else "code"
        first[field] = "nobody-knows-this"
        if published.is_valid(changed):
            wrong.append(f"{kind}: an unknown {field} is accepted")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
