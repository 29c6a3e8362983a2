"""Runs of instructions that several of the families here have, each once."""

from __future__ import annotations

from contextlib import contextmanager

from ..fields import Fields
from .writer import Function, described


def spread(f: Function, via: str, state: Fields, **to: str | tuple) -> None:
    """Words of the state, by name, where the kernel keeps them: registers or slots of the frame. via holds the last."""
    for name, place in to.items():
        f.ldr(via, getattr(state, name))
        if isinstance(place, tuple):
            f.str(via, place)
        elif place != via:
            f.mov(place, via)


@contextmanager
def counted(f: Function, name: str, left: str | tuple, via: str):
    """A loop of `left` rounds, which a high register or a word of memory counts down; via is lost."""
    f.label(name)
    yield
    f.again(name, left, via)


def put(f: Function, value: str, to: str | tuple, via: str = "") -> None:
    """*to++ = value, a byte; `to` a low register; or a high one or a word of memory: via holds it after that."""
    memory, at = isinstance(to, tuple), via or to
    if via:
        (f.ldr if memory else f.mov)(via, to)
    f.strb(value, at, 0).add(at, 1)
    if via:
        f.str(via, to) if memory else f.mov(to, via)


def rounded(f: Function, y: str, t: str) -> None:
    """y = eq. (3) of y without its clamps: r11 has the half and y_zero_point, lr right_shift, 1 or more. t is lost."""
    f.asr(t, y, 31, note="-1 where it is negative: half away from zero")
    f.add(y, t).add(y, "r11").asr(y, "lr", via=t)


def state_array(state: Fields, of: str = "") -> str:
    """A module's imports, and the array of a state that lies in no scratch; where `of` says whose, with its words."""
    lines = ["import micropython", "from array import array", "", f'_state = array("i", bytes({state.size}))']
    if of:
        lines += [f"# The state of {of}, byte offsets:", *(f"# {line}" for line in described(state).splitlines()), ""]
    return "\n".join(lines)
