#!/usr/bin/env python3
"""Whether docs/report.schema.json says what auditlog-verify writes: JSON Lines of reports on standard input.

A reader must accept fields that it does not know. Here none may be unknown: what is written is described. Each kind of finding must occur
at least once, and a code that the schema does not list must fail.
"""

import copy
import json
import os
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

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


def main():
    schema, policy = read("report.schema.json"), read("trust-policy.schema.json")
    Draft202012Validator.check_schema(schema)
    registry = Registry().with_resource("trust-policy.schema.json", Resource.from_contents(policy))
    strict = Draft202012Validator(closed(schema), registry=registry)
    published = Draft202012Validator(schema, registry=registry)
    wrong, seen = [], {}
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
