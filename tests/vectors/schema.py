#!/usr/bin/env python3
"""Whether docs/trust-policy.schema.json says what the verifiers say of the form of a policy.

Of the vectors, every policy that is accepted must validate, and every policy that is refused must not, unless what is wrong is
beyond a schema: it compares two values, looks into a key or at how the text is written. Those are listed here by name. Policies
given as arguments must validate.
"""

import json
import os
import sys

from jsonschema import Draft202012Validator

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "docs", "trust-policy.schema.json")

# Refused for what a schema cannot say.
BEYOND = set(
    """
    acknowledged-log
    acknowledged-loss-from-0-with-before
    acknowledged-loss-order
    acknowledged-loss-pin
    acknowledged-loss-stored
    acknowledged-loss-without-before
    acknowledged-silence-order
    policy-compressed-point
    policy-decimals
    policy-declared-covers-log
    policy-declared-in-log
    policy-declared-of-a-log
    policy-ecc-nist-p256-as-another
    policy-ecc-nist-p384-as-another
    policy-ed25519-not-canonical
    policy-ed25519-of-order-2
    policy-ed25519-of-order-4
    policy-ed25519-of-order-8
    policy-ed25519-of-small-order
    policy-ed25519-off-the-curve
    policy-ed25519-with-a-sign-of-zero
    policy-ended-not-stored
    policy-exponent
    policy-key-twice
    policy-last-good-twice
    policy-lock-order
    policy-lock-together
    policy-ml-dsa-44-as-another
    policy-ml-dsa-65-as-another
    policy-ml-dsa-87-as-another
    policy-name-twice
    policy-no-keys
    policy-origin-twice
    policy-own-lock-order
    policy-prefix-above-another
    policy-prefix-overlap
    policy-prefix-twice
    policy-retention-and-silence-overlap
    policy-retention-short
    policy-retention-short-in-the-middle
    policy-retention-short-of-the-document
    policy-retention-was-short-and-lasts
    policy-retired-before-valid
    policy-rsa-2048-as-another
    policy-rsa-3072-as-another
    policy-rsa-4096-as-another
    policy-rsa-without-null
    policy-sign
    policy-silence-order
    policy-silence-together
    policy-size-of-just-below-2-64
    policy-spec
    policy-spki-and-a-byte
    policy-spki-base64
    policy-time-before-1970
    policy-time-lines-form-of-year-9999
    policy-time-year-9999
    policy-twice-deep
    policy-twice-escaped
    policy-verifier-key-id
    policy-verifier-key-of-another-origin
    policy-verifier-key-without-its-key
    policy-without-ended-stored
    """.split()
)


def read(path):
    """The value of a document, or `None` where it is not JSON."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode("utf-8"), parse_constant=float.fromhex)
    except ValueError:
        return None


def refused(name):
    """Whether a vector has a policy that no verifier accepts."""
    return name.startswith(("no-verdict--policy-", "no-verdict--acknowledged-"))


def main():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    wrong, beyond = [], set()
    for name in sorted(os.listdir(HERE)):
        path = os.path.join(HERE, name, "policy.json")
        if not os.path.exists(path):
            continue
        value = read(path)
        valid = value is not None and validator.is_valid(value)
        if valid and refused(name):
            beyond.add(name.removeprefix("no-verdict--"))
        if not valid and not refused(name):
            wrong.append(f"{name}: the schema refuses it")
    wrong += [f"{name}: the schema accepts it" for name in sorted(beyond - BEYOND)]
    wrong += [f"{name}: the schema refuses it, so it need not be listed" for name in sorted(BEYOND - beyond)]
    for path in sys.argv[1:]:
        wrong += [f"{path}: {error.json_path}: {error.message}" for error in validator.iter_errors(read(path))]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
