#!/usr/bin/env python3
"""Rebuilds the vectors beside this file, or with --check says which of them differ from what it would build.

    target/venv/bin/python tests/vectors/generate.py [--check]

Each vector is a folder: `vector.json` (what is expected), `policy.json`, `bucket/`, and where heads are pinned
`pins.json`. All keys and times are fixed; see forge.py.
"""

import argparse
import json
import os
import re
import shutil
import sys

import cases

HERE = os.path.dirname(os.path.abspath(__file__))


def document(value):
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def files_of(vector):
    """The files of a vector by their paths."""
    bodies = {"vector.json": document(vector.expected()), "policy.json": vector.policy_bytes()}
    if vector.pins is not None:
        text = vector.pins
        bodies["pins.json"] = text.encode() if isinstance(text, str) else document(text)
    for key, data in vector.objects.items():
        bodies["bucket/" + key] = data
    return {f"{vector.name}/{path}": data for path, data in bodies.items()}


def on_disk():
    found = {}
    for place, _, names in os.walk(HERE):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), HERE)
            if re.match(r"[a-z0-9-]+--", path):
                with open(os.path.join(HERE, path), "rb") as file:
                    found[path] = file.read()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    wanted = {}
    for vector in cases.all_vectors():
        assert f"{vector.name}/vector.json" not in wanted, vector.name
        wanted.update(files_of(vector))
    if arguments.check:
        found = on_disk()
        differ = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
        print(*differ, sep="\n", end="\n" if differ else "")
        return 1 if differ else 0
    for path in os.listdir(HERE):
        if "--" in path:
            shutil.rmtree(os.path.join(HERE, path))
    for path, data in wanted.items():
        os.makedirs(os.path.dirname(os.path.join(HERE, path)), exist_ok=True)
        with open(os.path.join(HERE, path), "wb") as file:
            file.write(data)
    print(f"{len({path.split('/')[0] for path in wanted})} vectors, {sum(map(len, wanted.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
