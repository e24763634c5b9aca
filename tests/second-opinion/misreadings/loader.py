"""Loads the second opinion with one misreading in it, in this process."""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPINION = os.path.join(HERE, "..")
NAMES = {name[:-3] for name in os.listdir(OPINION) if name.endswith(".py")}
COMPILED = {}


class Finder:
    """Finds the second opinion's modules, one of them changed."""

    def __init__(self, misreading):
        self.misreading = misreading

    def find_spec(self, name, _path=None, _target=None):
        return importlib.util.spec_from_loader(name, self) if name in NAMES else None

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        exec(code(module.__name__ + ".py", self.misreading), module.__dict__)


def code(file, misreading):
    """A module's compiled source; what is not changed is compiled once."""
    changed = misreading and misreading.file == file
    if changed or file not in COMPILED:
        with open(os.path.join(OPINION, file), encoding="utf-8") as source:
            text = source.read()
        compiled = compile(misreading.changed(text) if changed else text, file, "exec")
        if changed:
            return compiled
        COMPILED[file] = compiled
    return COMPILED[file]


def load(misreading=None):
    """The function `opinion` of verify.py, as it is or misread."""
    for name in NAMES:
        sys.modules.pop(name, None)
    finder = Finder(misreading)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module("verify").opinion
    finally:
        sys.meta_path.remove(finder)
