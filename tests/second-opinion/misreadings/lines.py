"""Misreadings of F1, F4, F8, F9, F12, F13 and F15: the forms of lines."""

from misreadings.misreading import Misreading


def misread(rule, what, by, old, new, file="lines.py"):
    return Misreading(rule, what, by, file, old, new)


def event(rule, what, by, old, new):
    return Misreading(rule, what, by, "events.py", old, new)


def note(rule, what, by, old, new):
    return Misreading(rule, what, by, "note.py", old, new)


def encoding(rule, what, by, old, new):
    return Misreading(rule, what, by, "encoding.py", old, new)


ALL = [
    encoding("F1", "an origin may have 256 bytes", "no-verdict--policy-origin-of-256-bytes", "{1,255}", "{1,256}"),
    encoding("F1", "an origin may have less than 255 bytes", "good--origin-of-255-bytes", "{1,255}", "{1,254}"),
    encoding("F1", "an origin may have a +", "line-form--origin-with-plus", r"\x2a\x2c-", r"\x2a-"),
    encoding("F4", "numbers may be 2^53", "line-form--index-2-53", "value >= bound", "value > bound"),
    misread("F4", "numbers may have zeros before them", "line-form--leading-zero", "(0|[1-9][0-9]{0,15})", "([0-9]{1,16})"),
    misread(
        "F4",
        "segment numbers may have 13 digits",
        "line-form--segment-of-13-digits",
        "def close_parts(segment, events, sealed, left, frames_hash):\n    return number(segment, MAX_SEGMENT)",
        "def close_parts(segment, events, sealed, left, frames_hash):\n    return number(segment)",
    ),
    misread(
        "F4",
        "segment numbers of an open line may have 13 digits",
        "line-form--open-segment-of-13-digits",
        "return origin, number(segment, MAX_SEGMENT)",
        "return origin, number(segment)",
    ),
    misread(
        "F4",
        "hashes may be in upper case",
        "line-form--upper-case-hex",
        'b"HASH": rb\'"([0-9a-f]{64})"\'',
        'b"HASH": rb\'"([0-9a-fA-F]{64})"\'',
    ),
    misread(
        "F4",
        "hashes in left may be in upper case",
        "line-form--upper-case-hex-in-left",
        'rb\'\\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\\]\'',
        'rb\'\\[((?:"[0-9a-fA-F]{64}"(?:,"[0-9a-fA-F]{64}")*)?)\\]\'',
    ),
    misread(
        "F4",
        "a line may end in CR",
        "line-form--cr-lf",
        "found = pattern.fullmatch(raw)",
        "found = pattern.fullmatch(raw[:-1] if kind == 'close' and raw.endswith(b'\\r') else raw)",
    ),
    misread("F16", "lines may have any length", "line-form--line-too-long", "if len(raw) > MAX_LINE:", "if False:"),
    misread(
        "F16",
        "a line's form is looked at before its length",
        "line-form--line-too-long",
        "MAX_LINE = MAX_EVENT + 4096",
        "MAX_LINE = MAX_EVENT + 4097",
    ),
    misread("F8", "source may be empty", "line-form--empty-source", "1 <= len(name) <= 255", "len(name) <= 255"),
    misread(
        "F8", "source may have 256 bytes", "line-form--source-of-256-bytes", "1 <= len(name) <= 255", "1 <= len(name) <= 256"
    ),
    misread("F8", "source has less than 255 bytes", "good--source", "1 <= len(name) <= 255", "1 <= len(name) < 255"),
    misread("F8", "cipher is an entry", "line-form--cipher", 'b"event": event,', 'b"event": event, b"cipher": event,'),
    misread(
        "F1",
        "an open line may have any origin",
        "line-form--origin-with-plus",
        "    if not is_origin(origin):",
        "    if False:",
    ),
    misread(
        "F4",
        "what follows an event is a fault of the event",
        "line-form--entry-without-brace",
        'raise Fault("line-form", "an entry does not end in }")',
        'raise Fault("event-form", "")',
    ),
    misread(
        "Which fault",
        "an entry's source is looked at after its event",
        "line-form--source-before-event",
        "    for name in (source, batch):\n"
        "        if name is not None and not 1 <= len(name) <= 255:\n"
        '            raise Fault("line-form", "length of a name")\n',
        "",
    ),
    misread("F8", "a batch comes before its source", "good--batch-and-repeat", "'SOURCEBATCHREPEAT", "'BATCHSOURCEREPEAT"),
    misread("F8", "repeat has another word", "good--batch-and-repeat", '"repeat":"suspected"', '"repeat":"certain"'),
    event(
        "F9",
        "half of a surrogate pair is an event",
        "event-form--half-surrogate",
        "    if token[1] and HALF",
        "    if False and HALF",
    ),
    event(
        "F9",
        "numbers are cut off, not rounded",
        "event-form--infinite-by-rounding",
        "math.isinf(float(token[2]))",
        "abs(float(token[2])) > 1.7976931348623157e308 and not token[2].isdigit()",
    ),
    event(
        "F9",
        "the largest whole numbers are infinite",
        "good--json-values",
        "math.isinf(float(token[2]))",
        "abs(float(token[2])) >= 1.7976931348623157e308",
    ),
    event(
        "F9",
        "halves beside a pair are a pair",
        "event-form--half-surrogate-before-a-pair",
        "HALF.search(json.loads(token[1]))",
        "len(HALF.findall(json.loads(token[1]))) == 1 and token[1].count(b'ud') % 2 and token[1].count(b'ud') != 3",
    ),
    event("F9", "a number may be infinite", "event-form--infinite", "math.isinf(float(token[2]))", "False"),
    event(
        "F9",
        "a number without an exponent is never infinite",
        "event-form--infinite-digits",
        "math.isinf(float(token[2]))",
        'b"e" in token[2] and math.isinf(float(token[2]))',
    ),
    misread(
        "Which fault",
        "an entry's index is looked at after its event",
        "line-form--index-before-event",
        "                number(groups[0]),\n",
        "                int(groups[0]),\n",
    ),
    event(
        "F9",
        "white space before an event",
        "event-form--space-before",
        'if value[:1] in b" \\t" or value',
        'value = value.lstrip(b" \\t")\n    if value',
    ),
    event(
        "F9",
        "white space after an event",
        "event-form--space-after",
        '    if value[:1] in b" \\t" or value[-1:]',
        '    value = value.rstrip(b" \\t")\n    if value[:1] in b" \\t" or value[-1:]',
    ),
    event("F9", "white space may be CR", "event-form--cr-inside", "rb'[ \\t]*", "rb'[ \\t\\r]*"),
    event("F9", "an event of 1 MiB and a byte", "event-form--too-long", "MAX_EVENT = 1 << 20", "MAX_EVENT = (1 << 20) + 1"),
    event("F9", "an event has less than 1 MiB", "good--event-of-1-mib", "MAX_EVENT = 1 << 20", "MAX_EVENT = (1 << 20) - 1"),
    event("F9", "129 levels", "event-form--depth-129", "MAX_DEPTH = 128", "MAX_DEPTH = 129"),
    event("F9", "127 levels", "good--depth-128", "MAX_DEPTH = 128", "MAX_DEPTH = 127"),
    event(
        "F9",
        "an empty array has no level",
        "event-form--depth-129",
        "if len(stack) > MAX_DEPTH:",
        "if expect == 'value' and len(stack) > MAX_DEPTH + 1:",
    ),
    event("F9", "text may escape a slash", "event-form--text-slash", '["\\\\btnfr]|\\\\u00', '["\\\\/btnfr]|\\\\u00'),
    event("F9", "text may have long escapes", "event-form--text-long-escape", "0[0-7bef]", "0[0-9a-f]"),
    event("F9", "text may have escapes in upper case", "event-form--text-upper-case-escape", "1[0-9a-f])", "1[0-9a-fA-F])"),
    event(
        "F9",
        "a text that is an event is a fault",
        "good--text-that-is-an-event",
        '        raise Fault("event-form", "text has another form")',
        '        raise Fault("event-form", "text has another form")\n'
        "    if value[1:2] in b'0123456789':\n        raise Fault('event-form', '')",
    ),
    event(
        "F9",
        "base64 of UTF-8 is a fault",
        "good--base64-of-utf-8",
        '    unbase64(value[1:-1], "event-form")',
        "    if unbase64(value[1:-1], 'event-form').isalpha():\n        raise Fault('event-form', '')",
    ),
    event(
        "F9",
        "text need not be UTF-8",
        "event-form--text-not-utf-8",
        '    except UnicodeDecodeError:\n        raise Fault("event-form", "not UTF-8") from None\n    if not TEXT',
        "    except UnicodeDecodeError:\n        pass\n    if not TEXT",
    ),
    encoding(
        "F4",
        "base64 need not be canonical",
        "event-form--base64-not-canonical",
        "if base64.b64encode(value) != bytes(text):",
        "if len(text) % 4:",
    ),
    encoding("F15", "the year 9999", "line-form--year-9999", "1970 <= year <= 9998", "1970 <= year <= 9999"),
    encoding(
        "F15",
        "the year 9998 is not a year",
        "good--policy-year-9998",
        "1970 <= year <= 9998",
        "1970 <= year and (year, month) != (9998, 6)",
    ),
    encoding("F15", "the year 1969", "line-form--year-1969", "1970 <= year <= 9998", "1969 <= year <= 9998"),
    encoding("F15", "a day of February too many", "line-form--no-leap-day", "29 if leap else 28", "29"),
    encoding(
        "F15", "centuries have leap days", "line-form--leap-day-of-2100", " and (year % 100 != 0 or year % 400 == 0)", ""
    ),
    encoding("F15", "the 24th hour", "line-form--hour-24", "hour > 23", "hour > 24"),
    encoding("F15", "leap seconds", "line-form--leap-second", "second > 59", "second > 60"),
    note(
        "F12",
        "a checkpoint may have extension lines",
        "line-form--checkpoint-extension",
        "{43}=)\\n)\\n(",
        "{43}=)\\n(?:[^\\n]+\\n)*)\\n(",
    ),
    note(
        "F12",
        "the size may have zeros before it",
        "line-form--checkpoint-size-zero",
        "(0|[1-9][0-9]{0,15})",
        "([0-9]{1,16})",
    ),
    note(
        "F12",
        "a signature may have any name",
        "line-form--checkpoint-other-name",
        "if not one or one[1] != found[2]:",
        "if not one:",
    ),
    note(
        "F12",
        "a signature's base64 need not be canonical",
        "line-form--checkpoint-base64",
        "raw = unbase64(one[2])",
        "raw = __import__('base64').b64decode(one[2])",
    ),
    note(
        "F12",
        "the root's base64 need not be canonical",
        "line-form--checkpoint-root-base64",
        "unbase64(found[4])",
        "__import__('base64').b64decode(found[4])",
    ),
    note(
        "F12",
        "a checkpoint may be without signatures",
        "line-form--checkpoint-no-signature",
        "((?:[^\\n]+\\n)+)",
        "((?:[^\\n]+\\n)*)",
    ),
    note(
        "F12",
        "17 signatures",
        "line-form--17-signatures",
        "if len(signatures) > MAX_SIGNATURES:",
        "if len(signatures) > 17:",
    ),
    note("F12", "15 signatures at most", "signature-count--16", "MAX_SIGNATURES = 16", "MAX_SIGNATURES = 15"),
    note(
        "F16",
        "a signature may be longer",
        "line-form--signature-of-8193-bytes",
        "MAX_SIGNATURE = 8192",
        "MAX_SIGNATURE = 8193",
    ),
    note(
        "F16",
        "a signature is measured with its key id",
        "signature-invalid--of-8192-bytes",
        "MAX_SIGNATURE + 4",
        "MAX_SIGNATURE",
    ),
    note(
        "F13", "a signature may be without bytes", "line-form--signature-of-no-byte", "if len(raw) <= 4:", "if len(raw) < 4:"
    ),
    note(
        "F13",
        "the id of a verifier key is not checked",
        "line-form--verifier-key-id",
        ".encode() != found[2]:",
        ".encode() == b'':",
    ),
    note(
        "F13",
        "the id of a verifier key of type 2 is made like others",
        "good--key-ecc-nist-p256",
        'material[1:] if material[:1] == b"\\x02" else ',
        "",
    ),
    misread(
        "F7",
        "previous need not be a verifier key",
        "line-form--previous-key-id",
        "        parse_verifier_key(previous)\n",
        "        pass\n",
    ),
]
