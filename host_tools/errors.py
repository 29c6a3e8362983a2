"""The one exception for a user's mistake or a machine's lack: printed without a traceback, in one place (__main__)."""

from __future__ import annotations


class ToolError(Exception):
    """What is wrong, why, and what to do about it."""

    def __init__(self, what: str, why: str = "", fix: str = ""):
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        text = self.what + (f": {self.why}" if self.why else "")
        return text + (f"\n{self.fix}" if self.fix else "")
