"""What is wrong with a log."""


class Fault(Exception):
    """The evidence is wrong: a code, and where."""

    def __init__(self, code, what, line=None, index=None):
        super().__init__(what)
        self.code, self.what, self.line, self.index = code, what, line, index
