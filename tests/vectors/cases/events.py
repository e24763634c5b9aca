"""F9."""

from cases.vector import entry_of


def events():
    """F9."""
    bad = lambda name, what, value, **more: entry_of("event-form", name, what, value, **more)  # noqa: E731
    yield bad(
        "closes-the-line", "an event that ends its line early for other readers", '1},"index":99,"close":{"segment":1}'
    )
    yield bad("two-values", "two values", "1 2")
    yield bad("comma", "two values with a comma", "1,2")
    yield bad("empty", "an event without a value", "")
    yield bad("space-before", "a space before the value", " 1")
    yield bad("space-after", "a space after the value", "1 ")
    yield bad("cr-inside", "a CR between the tokens", '{"a":\r1}')
    yield bad("not-utf-8", "bytes that are not UTF-8", b'"\xff"')
    yield bad("half-surrogate", "an escape of half of a surrogate pair", '{"a":"\\ud800"}')
    yield bad("half-surrogate-last", "the second half of a pair without the first", '"\\uDC00\\ud800"')
    yield bad("half-surrogate-name", "a name with half of a pair", '{"\\ud83dx":1}')
    yield bad("infinite", "a number that rounds to infinity as a double", "[1,1e400]")
    yield bad("infinite-digits", "a number of 310 digits", "-" + "9" * 310)
    yield bad("utf-8-surrogate", "half a character as UTF-8", b'"\xed\xa0\x80"')
    yield bad("overlong-utf-8", "a character in more bytes than it needs", b'"\xc0\xaf"')
    yield bad("byte-order-mark", "a byte order mark before the value", "\ufeff1")
    yield bad("nan", "NaN is not JSON", "NaN")
    yield bad("leading-zero", "a number with a zero before it", "01")
    yield bad("plus", "a number with a plus", "+1")
    yield bad("bare-point", "a number that ends in its point", "1.")
    yield bad("trailing-comma", "a comma after the last element", "[1,]")
    yield bad("single-quotes", "a string in single quotes", "'a'")
    yield bad("control-character", "a tab in a string", '"\t"')
    yield bad("unknown-escape", "an escape that JSON does not have", '"\\x41"')
    yield bad("short-escape", "an escape with three digits", '"\\u041"')
    yield bad("unclosed", "an object that is not closed", '{"a":1')
    yield bad("mismatched", "an array closed as an object", "[1}")
    yield bad("no-break-space", "white space that JSON does not allow", "[\u00a01]")
    yield bad("depth-129", "one level too many", "[" * 129 + "]" * 129)
    yield bad("too-long", "an event of 1 MiB and a byte", '"' + "x" * ((1 << 20) - 1) + '"')
    yield bad("field-after-event", "a field after the event", '1,"note":1')
    yield bad("text-slash", "a text with an escape that it does not need", '"a\\/b"', kind="text")
    yield bad("text-long-escape", "a text with the long form of a short escape", '"\\u000a"', kind="text")
    yield bad("text-upper-case-escape", "a text with an escape in upper case", '"\\u001F"', kind="text")
    yield bad("text-escaped-letter", "a text that escapes a letter", '"\\u0041"', kind="text")
    yield bad("text-no-string", "a text that is a number", "1", kind="text")
    yield bad("text-two-strings", "a text of two strings", '"a""b"', kind="text")
    yield bad("base64-not-canonical", "base64 with bits without a meaning", '"AB=="', kind="base64")
    yield bad("base64-no-padding", "base64 without its padding", '"AA"', kind="base64")
    yield bad("base64-url", "base64 of the other alphabet", '"-_=="', kind="base64")
    yield bad("base64-line-break", "base64 with a space in it", '"AAAA AAAA"', kind="base64")
    yield bad("base64-half-string", "base64 without its last quote", '"AA==', kind="base64")
