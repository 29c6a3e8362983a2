"""Where built and downloaded things live between runs: outside the tree, whole or not there at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from .errors import ToolError


def cache_dir() -> Path:
    """fxnn's cache folder, made if need be: $FXNN_CACHE, else the platform's own place (~/.cache/fxnn on Linux).

    Raises ToolError if it cannot be made.
    """
    named = os.environ.get("FXNN_CACHE")
    path = Path(named).expanduser().absolute() if named else Path(platformdirs.user_cache_dir("fxnn"))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ToolError(
            f"cannot make the cache folder {path}", e.strerror or str(e), "set FXNN_CACHE to another folder"
        ) from None
    return path


def build_once(final: Path, build: Callable[[Path], None]) -> Path:
    """`final` if it is there; else what `build(path)` makes, a file or a folder, moved into place when complete.

    `path` is an empty folder's child called as `final` is, on the same disk. Processes that want the same thing wait
    for the one that makes it. An exception in `build` leaves nothing behind, a kill nothing that lasts.
    """
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(final.with_name(final.name + ".lock")):
        if final.exists():  # another process made it while this one waited
            return final
        prefix = f"building-{final.name}-"
        for left in final.parent.glob(prefix + "*"):  # by a process that was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
        try:
            build(folder / final.name)
            os.replace(folder / final.name, final)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return final


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows: two builds at once waste time and do no harm, as os.replace is atomic
        yield
        return
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
