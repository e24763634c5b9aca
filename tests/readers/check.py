#!/usr/bin/env python3
"""check.py READER GUIDE EXPECTED: runs the guide's snippets for a reader in this folder, and compares each entry.

EXPECTED holds one line for each entry in order: a JSON array of its kind (event, text or base64) and its payload as stored. A
snippet that reads by lines must return exactly these. One that reads by columns may change what the guide says that the reader
changes, and nothing else.
"""

import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys


def snippets(guide, heading, language):
    """The fenced blocks of a language under a heading."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", guide, re.M | re.S)
    return re.findall(rf"^```{language}\n(.*?)^```$", section[1], re.M | re.S)


def shell(script):
    """The lines that a script prints; a reader that fails has not read everything."""
    run = subprocess.run(["bash", "-c", "set -euo pipefail\n" + script], capture_output=True, check=False)
    if run.returncode:
        sys.exit(f"{script}\n{run.stderr.decode()}")
    return run.stdout.decode().removesuffix("\n").split("\n")


def in_python(script, **scope):
    """What a script leaves in `entries`, and the lines that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(script, scope)  # pylint: disable=exec-used
    return scope.get("entries"), printed.getvalue().removesuffix("\n").split("\n")


# How a cell may differ from the payload as stored: what the guide says, and nothing else.


def exact(cell, payload):
    return cell == payload


def same_value(cell, payload):
    return cell == json.loads(payload)


def same_with_doubles(cell, payload):
    return as_doubles(cell) == as_doubles(json.loads(payload))


def as_doubles(value):
    """A JSON value with each number as a double."""
    if isinstance(value, dict):
        return {key: as_doubles(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_doubles(each) for each in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else value


def bare(cell, payload, other):
    """A string without quotes and escapes, NULL for null, and another comparison for all other values."""
    value = json.loads(payload)
    return cell == value if value is None or isinstance(value, str) else other(cell, payload)


def bare_or_exact(cell, payload):
    return bare(cell, payload, exact)


def bare_or_with_doubles(cell, payload):
    # Not strict: control characters of nested strings come without their escapes.
    return bare(cell, payload, lambda cell, payload: same_with_doubles(json.loads(cell, strict=False), payload))


def text_with_doubles(cell, payload):
    return same_with_doubles(cell if cell is None else json.loads(cell), payload)


def cells(rows):
    """Kind and cell of rows that end in the columns event, text and base64."""
    for *_, event, text, base64 in rows:
        yield ("text", text) if text is not None else ("base64", base64) if base64 is not None else ("event", event)


# Each reader: for each of its snippets what it is, its entries, and the comparison. The columns text and base64 hold strings.


def jq(guide):
    columns, lines = snippets(guide, "jq", "sh")
    if shell("jq --version") == ["jq-1.6"]:
        # It stops at the deep object, as the guide says, so the segment with nothing else in it is kept from it.
        columns = columns.replace("payments/*.jsonl.zst", "$(ls payments/* | grep -vF \"$(cat deep)\")")
    yield "columns", [("event", json.loads(line)) for line in shell(columns)], same_with_doubles
    yield "lines", [(one["kind"], one["payload"]) for one in map(json.loads, shell(lines))], exact


def python(guide):
    (script,) = snippets(guide, "Python", "python")
    yield "columns", [tuple(json.loads(line)[1:]) for line in in_python(script)[1]], same_value


def duckdb(guide):
    from duckdb import sql

    columns, lines = snippets(guide, "DuckDB", "sql")
    yield "columns", list(cells(sql(columns).fetchall())), text_with_doubles
    yield "lines", [row[1:] for row in sql(lines).fetchall()], exact


def polars(guide):
    columns, lines = snippets(guide, "polars", "python")
    yield "columns", list(cells(in_python(columns)[0].rows())), bare_or_with_doubles
    yield "lines", [row[1:] for row in in_python(lines)[0].rows()], exact


def clickhouse(guide):
    from chdb import query

    def rows(sql):
        return [json.loads(line) for line in str(query(sql, "JSONCompactEachRow")).split("\n") if line]

    columns, lines = snippets(guide, "ClickHouse", "sql")
    yield "columns", list(cells(rows(columns))), bare_or_exact
    yield "lines", [tuple(row[1:]) for row in rows(lines)], exact


def spark(guide):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    columns, lines = snippets(guide.replace("s3a://acme-audit/logs/", ""), "Spark", "python")
    by_columns, _ = in_python(columns, spark=session)
    rows = by_columns.orderBy("index").select("event", "text", "base64").collect()
    yield "columns", list(cells(rows)), bare_or_exact
    by_lines, _ = in_python(lines, spark=session)
    rows = by_lines.orderBy(by_lines["index"].cast("bigint")).select("kind", "payload").collect()
    yield "lines", [tuple(row) for row in rows], exact


def differences(entries, expected, same):
    """Each entry that is not what was sealed."""
    if len(entries) != len(expected):
        yield f"{len(entries)} entries in place of {len(expected)}"
    for number, ((kind, cell), (sealed_kind, payload)) in enumerate(zip(entries, expected)):
        compare = same if kind == "event" or same is exact else same_value
        if kind != sealed_kind or not compare(cell, payload):
            yield f"entry {number}: {kind} {str(cell)[:200]!r} in place of {sealed_kind} {payload[:200]!r}"


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in READERS:
        sys.exit(__doc__)
    reader, guide, expected = sys.argv[1:]
    expected = [tuple(json.loads(line)) for line in pathlib.Path(expected).read_text(encoding="utf-8").split("\n") if line]
    deep = [entry for entry in expected if entry[1].startswith('{"deep":')]
    for name, entries, same in READERS[reader](pathlib.Path(guide).read_text(encoding="utf-8")):
        wanted = expected
        if reader == "jq" and name == "columns":
            wanted = [entry for entry in expected if entry[0] == "event"]
            if len(entries) < len(wanted):
                wanted = [entry for entry in wanted if entry not in deep]
        found = list(differences(entries, wanted, same))
        if found:
            sys.exit(f"{reader} by {name}:\n" + "\n".join(found[:20]))
        print(f"{reader} by {name}: {len(entries)} entries")


READERS = {each.__name__: each for each in (jq, python, duckdb, polars, clickhouse, spark)}

if __name__ == "__main__":
    main()
