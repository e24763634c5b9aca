"""Forges a copy of a log, to see whether the verifier notices: forge.py WHAT FOLDER

FOLDER contains the segments of one log, at any depth, in which Terraform's own events were sealed. All frames are written again
with correct checksums, so that nothing is found because a file cannot be read. What was forged is printed as one sentence.
"""

import base64
import hashlib
import json
import pathlib
import re
import sys

import zstandard
from cryptography.hazmat.primitives.asymmetric import ed25519

PLACE = re.compile(rb'"index":(\d+),"prev":"([0-9a-f]{64})"')


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    forgeries = {
        "entry-edited": entry_edited,
        "entry-removed": entry_removed,
        "tail-cut-off": tail_cut_off,
        "other-key": other_key,
    }
    print(forgeries[what](folder))


def entry_edited(folder):
    segment = Segment.with_creation(folder)
    before, after = segment.rewrite_creation()
    segment.store()
    return f"In {segment.name}, «{before}» now reads «{after}»."


def entry_removed(folder):
    """Removes an entry and makes every hash agree again, up to the root; only the signature cannot be made."""
    segment = Segment.with_creation(folder)
    message = segment.remove_creation()
    segment.rehash()
    segment.store()
    return f"«{message}» is gone from {segment.name}; indexes, hashes, counts and root agree again."


def tail_cut_off(folder):
    last = max(folder.rglob("*.jsonl.zst"))
    last.unlink()
    return f"{last.name}, the newest segment, is gone; what is left is a valid log."


def other_key(folder):
    """Rewrites an entry, makes everything agree, and signs the new root with a key of the forger's own."""
    segment = Segment.with_creation(folder)
    before, after = segment.rewrite_creation()
    segment.rehash()
    segment.sign(ed25519.Ed25519PrivateKey.generate())
    segment.store()
    return f"In {segment.name}, «{before}» now reads «{after}»; all hashes agree, signed by the forger's key."


class Segment:
    """One object: frames of lines, the last of them the checkpoint."""

    def __init__(self, path):
        self.path = path
        self.name = path.name
        self.frames = []
        rest = path.read_bytes()
        while rest:
            frame = zstandard.ZstdDecompressor().decompressobj()
            self.frames.append(frame.decompress(rest).splitlines())
            rest = frame.unused_data

    @classmethod
    def with_creation(cls, folder):
        """The segment in which Terraform says that it made the signing key."""
        for path in sorted(folder.rglob("*.jsonl.zst")):
            segment = cls(path)
            if segment.find_creation():
                return segment
        raise SystemExit(f"no segment under {folder} contains a creation")

    def find_creation(self):
        for lines in self.frames:
            for number, line in enumerate(lines):
                event = json.loads(line).get("event")
                if isinstance(event, dict) and event.get("type") == "apply_complete":
                    if "signing_key" in event["@message"]:
                        return lines, number, event
        return None

    def rewrite_creation(self):
        lines, number, event = self.find_creation()
        before = event["@message"].split(" [id=")[0]
        event["@message"] = before.replace("Creation", "Destruction")
        envelope = lines[number][: lines[number].index(b'"event":')]
        lines[number] = envelope + member("event", event) + b"}"
        return before, event["@message"]

    def remove_creation(self):
        lines, number, event = self.find_creation()
        del lines[number]
        return event["@message"].split(" [id=")[0]

    def rehash(self):
        """Gives every line its index and the hash of the line before it, the close line its count, and the root."""
        opening = json.loads(self.frames[0][0])
        index, prev = opening["index"], opening["prev"]
        tree = CompactRange(index, [bytes.fromhex(root) for root in opening["open"]["left"]])
        entries = 0
        for lines in self.frames:
            for number, line in enumerate(lines):
                if line.startswith(b'{"checkpoint":'):
                    continue
                line = PLACE.sub(f'"index":{index},"prev":"{prev}"'.encode(), line, count=1)
                fields = json.loads(line)
                entries += not fields.keys().isdisjoint({"event", "text", "base64"})
                if close := fields.get("close"):
                    close["events"] = entries
                    close["left"] = [root.hex() for root in tree.roots]
                    close["frames"] = hashlib.sha256(self.packed_entries()).hexdigest()
                    line = line[: line.index(b'"close":')] + member("close", close) + b"}"
                lines[number] = line
                leaf = hashlib.sha256(b"\x00" + line).digest()
                tree.append(leaf)
                index, prev = index + 1, leaf.hex()
        origin, _, _, empty, *signatures = self.note()
        self.set_note([origin, str(tree.size), base64.b64encode(tree.root()).decode(), empty, *signatures])

    def sign(self, key):
        origin, size, root, _, *_ = self.note()
        text = f"{origin}\n{size}\n{root}\n"
        # A C2SP signed note: the first four bytes of the hash say which key it is.
        identity = f"{origin}\n\x01".encode() + key.public_key().public_bytes_raw()
        stamp = hashlib.sha256(identity).digest()[:4] + key.sign(text.encode())
        stamp = base64.b64encode(stamp).decode()
        self.set_note([origin, size, root, "", f"— {origin} {stamp}", ""])

    def note(self):
        return json.loads(self.frames[-1][-1])["checkpoint"].split("\n")

    def set_note(self, lines):
        self.frames[-1][-1] = b"{" + member("checkpoint", "\n".join(lines)) + b"}"

    def store(self):
        # The last frame is not compressed: a block of plain bytes between the header and the checksum.
        last = content(self.frames[-1])
        header = b"\x28\xb5\x2f\xfd\xa4" + len(last).to_bytes(4, "little")
        block = (len(last) << 3 | 1).to_bytes(3, "little") + last
        self.path.write_bytes(self.packed_entries() + header + block + compressed(last)[-4:])

    def packed_entries(self):
        """All frames but the last."""
        return b"".join(compressed(content(lines)) for lines in self.frames[:-1])


def content(lines):
    return b"".join(line + b"\n" for line in lines)


def compressed(text):
    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=True).compress(text)


def member(name, value):
    """A member of a JSON object in the one form that lines have."""
    return f'"{name}":'.encode() + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class CompactRange:
    """The roots of the full subtrees over the lines so far, largest first (RFC 6962)."""

    def __init__(self, size, roots):
        self.size, self.roots = size, roots

    def append(self, node):
        size = self.size
        while size & 1:
            node = hashlib.sha256(b"\x01" + self.roots.pop() + node).digest()
            size >>= 1
        self.roots.append(node)
        self.size += 1

    def root(self):
        *others, node = self.roots
        for left in reversed(others):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


if __name__ == "__main__":
    main()
