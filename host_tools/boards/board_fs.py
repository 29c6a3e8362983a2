"""What fxnn asks of a board's filesystem, each in one go: over a wire, round trips are what costs time."""

from __future__ import annotations

import ast
import hashlib

from .mpremote_board import Board

# MicroPython, run on the board. Removing and copying are done there: nothing goes over the wire.
_HELPERS = """\
import hashlib, os
def kind(p):
    try:
        return os.stat(p)[0] & 0x4000 and 'dir' or 'file'
    except OSError:
        return ''
def tree(p):
    k = kind(p)
    if k == 'file':
        print(repr((p, os.stat(p)[6])))
    elif k:
        print(repr((p, -1)))
        for e in os.ilistdir(p):
            tree(p.rstrip('/') + '/' + e[0])
def remove(p):
    k = kind(p)
    if k == 'dir':
        for e in list(os.ilistdir(p)):
            remove(p + '/' + e[0])
        os.rmdir(p)
    elif k:
        os.remove(p)
def makedirs(p):
    for i, c in enumerate(p):
        if c == '/' and i and not kind(p[:i]):
            os.mkdir(p[:i])
def copy(a, b):
    buf = memoryview(bytearray(512))
    with open(a, 'rb') as f, open(b, 'wb') as g:
        while True:
            n = f.readinto(buf)
            if not n:
                break
            g.write(buf[:n])
def rename(a, b):
    try:
        os.rename(a, b)
    except OSError:
        if kind(b) != 'file':
            raise
        os.remove(b)
        os.rename(a, b)
def sha256(p):
    h = hashlib.sha256()
    buf = memoryview(bytearray(512))
    with open(p, 'rb') as f:
        while True:
            n = f.readinto(buf)
            if not n:
                break
            h.update(buf[:n])
    print(repr((p, h.digest())))
"""
# For the emulated board on a busy machine: it is 5 to 10 times slower than a real one.
_SLOW_S = 300


def tree(board: Board, paths: list[str]) -> dict[str, int]:
    """{path: bytes} of everything under the paths that is there; folders have -1 bytes."""
    board.define(_HELPERS)
    printed = board.exec(f"for p in {paths!r}: tree(p)\n", _SLOW_S)
    return dict(ast.literal_eval(line) for line in printed.splitlines() if line.startswith("("))


def sha256(board: Board, paths: list[str]) -> dict[str, bytes]:
    """{path: SHA-256} of files on the board."""
    if not paths:
        return {}
    board.define(_HELPERS)
    printed = board.exec(f"for p in {paths!r}: sha256(p)\n", _SLOW_S)
    return dict(ast.literal_eval(line) for line in printed.splitlines() if line.startswith("("))


def find_file(board: Board, folder: str, data: bytes) -> str | None:
    """The file in the board's folder whose contents are `data`, if there is one."""
    same_size = [path for path, size in tree(board, [folder]).items() if size == len(data)]
    wanted = hashlib.sha256(data).digest()
    return next((path for path, digest in sha256(board, same_size).items() if digest == wanted), None)


def holds(board: Board, folder: str, files: dict[str, bytes]) -> bool:
    """Whether the board's folder holds these files, to the last byte, and no .py that would be taken in place of one."""
    there = tree(board, [folder])
    if any(there.get(path) != len(data) for path, data in files.items()):
        return False
    if any(path.endswith(".mpy") and path[:-3] + "py" in there for path in files):
        return False
    digests = sha256(board, list(files))
    return all(digests[path] == hashlib.sha256(data).digest() for path, data in files.items())


def run(board: Board, steps: list[tuple[str, ...]]) -> None:
    """Does the steps in order, in one exec, so that a pulled cable stops none: ("rename", a, b), ("copy", a, b),
    ("remove", path) with all that is in it, ("makedirs", path) for the folders above path."""
    lines = [f"{name}({', '.join(map(repr, arguments))})" for name, *arguments in steps]
    board.define(_HELPERS)
    board.exec("\n".join(lines) + "\n", _SLOW_S)
