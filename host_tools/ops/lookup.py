"""Table lookups in a row become one; so do elementwise ops whose other operand is a constant along one dimension.

Such an op (MUL and ADD of a BatchNormalization, PRELU) is a function of one byte for each channel: where several follow
each other, or where there are few different constants, a table a channel replaces them. The tables hold what the exact
references give, so no bit changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from ..arithmetic.tables import ALL_INT8
from ..ir import Tensor

_ALONE_BYTES = 2048  # of tables that replace a single op: what ADD takes anyway
_CHAIN_BYTES = 8192  # of tables that replace a chain


@dataclass(frozen=True, eq=False)
class Channels:
    """y[a, b, c] = tables[b][raw x[a, b, c]]; `x`: the buffer."""

    x: str
    dims: tuple[int, int, int]
    tables: np.ndarray  # uint8[b, 256]


def channel_form(kept: Tensor, other: Tensor, y: Tensor, place: str, values) -> Channels | None:
    """The form of an op of `kept`, of y's shape, and of the constant `other`, if that varies along one dimension only.

    values(a, b): the op's exact result for raw int8 operands, kept's first.
    """
    shape = (1,) * (len(y.shape) - len(other.shape)) + other.shape
    axes = [i for i, d in enumerate(shape) if d > 1]
    if len(axes) != 1 or kept.shape != y.shape:
        return None
    axis = axes[0]
    constants = other.data.reshape(-1).astype(np.int64)
    made = {int(v): np.asarray(values(ALL_INT8, np.full(256, v, np.int64))).astype(np.int64).astype(np.uint8)
            for v in np.unique(constants)}  # fmt: skip
    dims = (prod(y.shape[:axis]), y.shape[axis], prod(y.shape[axis + 1 :]))
    return Channels(place, dims, np.stack([made[int(v)] for v in constants]))


def compose(steps: list, kept: set[str]) -> list:
    """`steps` with every chain of tables, and of ops that are tables a channel, as one. kept: buffers of outputs."""
    readers: dict[str, list] = {}
    writers: dict[str, int] = {}
    for step in steps:
        for read in set(step.reads):
            readers.setdefault(read, []).append(step)
        writers[step.y] = writers.get(step.y, 0) + 1
    done: set[int] = set()
    result = []
    for step in steps:
        if id(step) in done:
            continue
        if not _is_table(step) or writers[step.y] > 1:
            result.append(step)
            continue
        chain = [step]
        while True:
            last = chain[-1]
            users = readers.get(last.y, [])
            follower = users[0] if len(users) == 1 and last.y not in kept else None
            if follower is None or not _is_table(follower) or _source(follower) != last.y or writers[follower.y] > 1:
                break
            if not _fits([*chain, follower]):
                break
            chain.append(follower)
        done |= {id(s) for s in chain}
        result.append(_one(chain))
    # a chain stands where its first step stood: what else it would have to wait for are constants
    return [s for part in result for s in (part if isinstance(part, list) else [part])]


def _is_table(step) -> bool:
    return step.kernel == "lut" or step.channels is not None


def _source(step) -> str:
    return step.x if step.kernel == "lut" else step.channels.x


def _together(chain) -> np.ndarray | None:
    """uint8[256] or uint8[b, 256] of the whole chain; None where channels do not lie alike."""
    dims = {s.channels.dims for s in chain if s.channels is not None}
    if len(dims) > 1:
        return None
    whole = np.arange(256, dtype=np.uint8)
    for s in chain:
        table = s.channels.tables if s.channels is not None else np.frombuffer(s.constants, np.uint8)
        if table.ndim == 1:
            whole = table[whole]
        elif whole.ndim == 1:
            whole = table[:, whole]
        else:
            whole = np.take_along_axis(table, whole.astype(np.int64), 1)
    return whole


def _fits(chain) -> bool:
    whole = _together(chain)
    if whole is None:
        return False
    if whole.ndim == 1:
        return True
    size = 256 * len(np.unique(whole, axis=0))
    return size <= (_CHAIN_BYTES if len(chain) > 1 else _ALONE_BYTES)


def _one(chain):
    """The step, or steps, of a chain."""
    first, last = chain[0], chain[-1]
    if len(chain) == 1 and (first.kernel == "lut" or not _fits(chain)):
        return chain
    whole = _together(chain)
    rows, which = np.unique(whole, axis=0, return_inverse=True) if whole.ndim == 2 else (whole[None], None)
    x = _source(first)
    if len(rows) == 1:
        count = prod(next((s.channels.dims for s in chain if s.channels is not None), (first.words.get(8, 0), 1, 1)))
        return replace(last, kernel="lut", x=x, x2=None, words={8: count, 9: 0}, constants=rows[0].tobytes(), inplace=(x,),
                       channels=None)  # fmt: skip
    dims = next(s.channels.dims for s in chain if s.channels is not None)
    index = np.asarray(which).reshape(-1).astype("<u2").tobytes()
    index += bytes(-len(index) % 4)
    words = {8: dims[0], 9: dims[1], 10: dims[2], 11: len(index), 12: 0}
    return replace(last, kernel="channel_lut", x=x, x2=None, words=words, constants=index + rows.tobytes(), inplace=(x,),
                   channels=None)  # fmt: skip
