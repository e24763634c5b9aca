"""Proofs and tiles, checked from the texts of C2SP (tlog-proof, tlog-tiles, signed-note) and RFC 9162 alone.

proofs.py proof VKEY PROOF ENTRY      an inclusion proof and the entry's bytes
proofs.py consistency VKEY FILE       the document of `auditlog-verify consistency`
proofs.py tiles VKEY FOLDER           a folder of tlog-tiles: every tile, every bundle, the root
"""

import base64
import json
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from encoding import sha256

WIDTH = 256


def leaf(data):
    return sha256(b"\0" + data)


def node(left, right):
    return sha256(b"\1" + left + right)


class Verifier:
    """A verifier key of C2SP signed-note, of the types 0x01, 0x02 and 0x06."""

    def __init__(self, vkey):
        self.name, key_id, material = vkey.split("+", 2)
        material = base64.b64decode(material, validate=True)
        self.kind, self.raw = material[0], material[1:]
        hashed = self.raw if self.kind == 2 else self.name.encode() + b"\n" + material
        self.key_id = sha256(hashed)[:4]
        assert self.key_id.hex() == key_id, "the key id is not that of the key"

    def signed(self, text, size, root, signature):
        if self.kind == 1:
            ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        elif self.kind == 2:
            load_der_public_key(self.raw).verify(signature, text, ec.ECDSA(hashes.SHA256()))
        elif self.kind == 6:
            name = bytes([len(self.name)]) + self.name.encode()
            message = b"subtree/v1\n\0" + name + signature[:8] + name + struct.pack(">QQ", 0, size) + root
            mldsa.MLDSA44PublicKey.from_public_bytes(self.raw).verify(signature[8:], message)
        else:
            raise InvalidSignature("not a type of C2SP")


def open_checkpoint(note, verifier):
    """Size and root of a checkpoint that the key signed."""
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    assert origin == verifier.name, "the checkpoint is of another log"
    size, root = int(size), base64.b64decode(root, validate=True)
    for line in signatures.removesuffix("\n").split("\n"):
        dash, name, blob = line.split(" ")
        assert dash == "\u2014", "not a signature line"
        blob = base64.b64decode(blob, validate=True)
        if name == verifier.name and blob[:4] == verifier.key_id:
            verifier.signed(text.encode(), size, root, blob[4:])
            return size, root
    raise InvalidSignature("no signature of this key")


def included(hashed, index, size, proof, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    fn, sn = index, size - 1
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            hashed = node(sibling, hashed)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hashed = node(hashed, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and hashed == root


def consistent(first, root1, second, root2, proof):
    """RFC 9162, section 2.1.4.2."""
    if first == second:
        return not proof and root1 == root2
    if not 0 < first < second or not proof:
        return False
    proof = list(proof)
    if first & (first - 1) == 0:
        proof.insert(0, root1)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for sibling in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(sibling, fr), node(sibling, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (root1, root2)


def check_proof(verifier, proof, entry):
    lines, _, note = pathlib.Path(proof).read_text().partition("\n\n")
    header, index, *hashed = [line for line in lines.split("\n") if not line.startswith("extra ")]
    assert header == "c2sp.org/tlog-proof@v1"
    index = int(index.removeprefix("index "))
    size, root = open_checkpoint(note, verifier)
    siblings = [base64.b64decode(line, validate=True) for line in hashed]
    return included(leaf(pathlib.Path(entry).read_bytes()), index, size, siblings, root)


def check_consistency(verifier, file):
    document = json.loads(pathlib.Path(file).read_text())
    case = document["case"]
    heads = [open_checkpoint(document[name], verifier) for name in ("checkpoint1", "checkpoint2")]
    assert heads == [(case[f"size{n}"], bytes.fromhex(case[f"root{n}"])) for n in (1, 2)]
    (first, root1), (second, root2) = heads
    return consistent(first, root1, second, root2, [bytes.fromhex(one) for one in case["proof"]])


def tile_path(number, width):
    groups = []
    while True:
        groups.insert(0, f"{number % 1000:03}")
        number //= 1000
        if number == 0:
            break
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return path if width == WIDTH else f"{path}.p/{width}"


def tiles_of(count):
    """Number and width of each tile of a level with this many hashes."""
    for number in range((count + WIDTH - 1) // WIDTH):
        yield number, min(WIDTH, count - number * WIDTH)


def entries_of(bundle):
    while bundle:
        (length,) = struct.unpack(">H", bundle[:2])
        yield bundle[2 : 2 + length]
        assert len(bundle) >= 2 + length, "the bundle ends inside an entry"
        bundle = bundle[2 + length :]


def tree_root(hashed):
    """MTH of RFC 6962, from the leaves' hashes."""
    if not hashed:
        return sha256(b"")
    while len(hashed) > 1:
        paired = [node(*hashed[at : at + 2]) for at in range(0, len(hashed) - 1, 2)]
        hashed = paired + hashed[len(hashed) - len(hashed) % 2 :]
    return hashed[0]


def check_tiles(verifier, folder):
    folder = pathlib.Path(folder)
    size, root = open_checkpoint((folder / "checkpoint").read_text(), verifier)
    expected, leaves = {"checkpoint"}, []
    for number, width in tiles_of(size):
        name = f"tile/entries/{tile_path(number, width)}"
        expected.add(name)
        entries = list(entries_of((folder / name).read_bytes()))
        assert len(entries) == width, f"{name} has {len(entries)} entries"
        leaves += [leaf(entry) for entry in entries]
    level, hashed = 0, leaves
    while hashed:
        for number, width in tiles_of(len(hashed)):
            name = f"tile/{level}/{tile_path(number, width)}"
            expected.add(name)
            at = number * WIDTH
            assert (folder / name).read_bytes() == b"".join(hashed[at : at + width]), f"{name} has other hashes"
        full = len(hashed) // WIDTH
        hashed = [tree_root(hashed[at * WIDTH : (at + 1) * WIDTH]) for at in range(full)]
        level += 1
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == expected, f"other files: {found ^ expected}"
    return tree_root(leaves) == root


def main(what, vkey, *files):
    check = {"proof": check_proof, "consistency": check_consistency, "tiles": check_tiles}[what]
    try:
        holds = check(Verifier(vkey), *files)
    except (AssertionError, InvalidSignature, ValueError, OSError) as error:
        print(f"refused: {error!r}")
        return 1
    print("holds" if holds else "refused: the hashes do not lead to the root")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
