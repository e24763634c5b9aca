"""Strict parsers of the formats of senders' files, whose programs are not here."""

import re
import tomllib

from logstash_pipeline_parser import Pipeline
from ruamel.yaml import YAML


def toml(text):
    return tomllib.loads(text)


def yaml(text):
    """YAML 1.2, in which `on` is a text and a key may not be repeated."""
    return YAML(typ="safe").load(text)


def logstash(text):
    """By Logstash's own grammar. The parser takes `path` for one path, and the file input has a list of them."""
    return Pipeline(text.replace("    path => [", "    a_path => [")).parse()


def fluentd(text):
    """Sections that are closed in order, with a parameter and its value on each line between, none of them twice."""
    root = {}
    open_sections = [("", root)]
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        at, inside = f"line {number}: {line}", open_sections[-1][1]
        if closing := re.fullmatch(r"</(\w+)>", line):
            if len(open_sections) == 1 or open_sections.pop()[0] != closing[1]:
                raise ValueError(f"closes what is not open, {at}")
        elif opening := re.fullmatch(r"<(\w+)( [\w.*]+)?>", line):
            name = opening[1] + (opening[2] or "")
            if name in inside:
                raise ValueError(f"a section twice, {at}")
            inside[name] = {}
            open_sections.append((opening[1], inside[name]))
        elif len(open_sections) > 1 and (parameter := re.fullmatch(r"(@?[a-z_]+) (\S.*)", line)):
            if parameter[1] in inside:
                raise ValueError(f"a parameter twice, {at}")
            inside[parameter[1]] = parameter[2]
        else:
            raise ValueError(f"neither a section nor a parameter, {at}")
    if len(open_sections) > 1:
        raise ValueError(f"not closed: {open_sections[-1][0]}")
    return root
