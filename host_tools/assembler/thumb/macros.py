"""Runs of instructions that several of the families here have, each once."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager

from .writer import Fields, Function

ARRAY = "import micropython\nfrom array import array"  # what a module with state_array() imports


def spread(f: Function, via: str, state: Fields, **to: str | tuple) -> None:
    """Words of the state, by name, where the kernel keeps them: registers, or slots of the frame. via holds the last."""
    for name, place in to.items():
        f.ldr(via, getattr(state, name), note=name)
        if isinstance(place, tuple):
            f.str(via, place)
        elif place != via:
            f.mov(place, via)


def moves(f: Function, to: str, source: str) -> None:
    """Registers to registers, one by one: the high ones take part in little else."""
    for a, b in zip(to.split(), source.split(), strict=True):
        f.mov(a, b)


@contextmanager
def counted(f: Function, name: str, left: str | tuple, via: str, note: str = ""):
    """A loop of `left` rounds, which a high register or a word of memory counts down; via is lost."""
    f.label(name, note=note)
    yield
    f.step(left, -1, via)
    f.bne(name)


def advance(f: Function, at: str, by: tuple, via: str) -> None:
    """at += a word of memory, which via holds after that."""
    f.ldr(via, by)
    f.add(at, via)


def put(f: Function, value: str, to: str | tuple, via: str) -> None:
    """*to++ = value, a byte; `to` a high register or a word of memory, via holds it after that."""
    memory = isinstance(to, tuple)
    (f.ldr if memory else f.mov)(via, to)
    f.strb(value, via, 0)
    f.add(via, 1)
    f.str(via, to) if memory else f.mov(to, via)


def shifted(f: Function, op: str, word: str, by: str, bits: int, via: str) -> None:
    """word op= by << bits, modulo 2^32: op is add or sub. via is lost."""
    f.lsl(via, by, bits)
    getattr(f, op)(word, via)


def power(f: Function, to: str, bits: int) -> None:
    """to = 2^bits."""
    f.mov(to, 1)
    f.lsl(to, to, bits)


def state_array(of: str, state: Fields) -> str:
    """The module's array of a state that lies in no scratch, with its words."""
    rows = [row.replace(" ", "\0") for row in state.described(10_000).split("     ")]  # a row stays on its line
    lines = textwrap.wrap(f"State of {of}, byte offsets: {'; '.join(rows)}", 117)
    return "\n".join([f"# {line}".replace("\0", " ") for line in lines] + [f'_state = array("i", bytes({state.size}))'])
