"""One deliberate misreading of one rule of the guides: a change of the second opinion's source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Misreading:
    """`file` in which `old`, which occurs once, is replaced by `new`; the vector `by` then gets another answer."""

    rule: str
    what: str
    by: str
    file: str
    old: str
    new: str

    def changed(self, source):
        """The source as somebody who misread the rule would have written it."""
        found = source.count(self.old)
        if found != 1:
            raise ValueError(f"{self}: the text to replace occurs {found} times in {self.file}")
        return source.replace(self.old, self.new)

    def __str__(self):
        return f"{self.rule}, {self.what}"
