"""Reading and writing files so that nothing is lost: whole or not at all, and every failure a clear ToolError."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import ToolError


def write_atomically(out: Path, data: bytes) -> None:
    """The whole of `data` at `out`, or what was there before. ToolError if it cannot be written."""
    if out.exists() and not out.is_file():
        raise ToolError(f"cannot write {out}", "it is no ordinary file", "name another file")
    try:
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, out)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as e:
        raise ToolError(f"cannot write {out}", e.strerror or str(e), "check the folder and its free space") from None


def read_file(path: Path) -> bytes:
    """The file's bytes. ToolError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}", e.strerror or str(e), "check the name") from None
