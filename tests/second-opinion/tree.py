"""F11: compact ranges and the root of RFC 6962."""

from encoding import sha256
from fault import Fault


class Range:
    """F11: the roots of the full subtrees, largest first, with their sizes."""

    def __init__(self, size, roots):
        bits = [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
        if len(bits) != len(roots):
            raise Fault("left-count", f"{len(roots)} hashes for {size} leaves")
        self.size, self.trees = size, list(zip(bits, roots))

    def push(self, leaf):
        size = 1
        while self.trees and self.trees[-1][0] == size:
            leaf = sha256(b"\1" + self.trees.pop()[1] + leaf)
            size *= 2
        self.trees.append((size, leaf))
        self.size += 1

    def roots(self):
        return [root for _, root in self.trees]

    def root(self):
        if not self.trees:
            return sha256(b"")
        folded = self.trees[-1][1]
        for _, root in reversed(self.trees[:-1]):
            folded = sha256(b"\1" + root + folded)
        return folded
