"""The points of Ed25519 (RFC 8032): which 32 bytes are a key. Libraries accept some with which anything verifies."""

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def is_sound(raw):
    """Whether the bytes are canonical, on the curve, and of more than small order."""
    y, sign = int.from_bytes(raw, "little") & (1 << 255) - 1, raw[31] >> 7
    if y >= P:
        return False
    x = root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
    if x is None or (x == 0 and sign):
        return False
    return times_8((x, y)) != (0, 1)


def root(square):
    """A square root modulo P, or nothing."""
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x * x % P == square else None


def times_8(point):
    for _ in range(3):
        point = double(point)
    return point


def double(point):
    x, y = point
    product = D * x * x * y * y % P
    return 2 * x * y * pow(1 + product, -1, P) % P, (y * y + x * x) * pow(1 - product, -1, P) % P
