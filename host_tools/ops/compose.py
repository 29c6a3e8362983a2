"""Table lookups in a row become one; so do elementwise ops whose other operand is a constant along one dimension.

Such an op (MUL and ADD of a BatchNormalization, PRELU) is a function of one byte for each channel: where several follow
each other, or where there are few different constants, one table per channel replaces them. The tables hold what the
exact references give, so no bit changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ..arithmetic.tables import ALL_INT8
from ..ir import Tensor
from ..record import CHANNEL_TABLES, TABLE
from .core import Channels, Step

_ALONE_BYTES = 2048  # of tables that replace a single op: what ADD takes anyway
_CHAIN_BYTES = 8192  # of tables that replace a chain


def channel_form(
    kept: Tensor, other: Tensor, y: Tensor, buffer: str, values: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Channels | None:
    """The form of an op of `kept`, of y's shape, and of the constant `other`, if that varies along one dimension only.

    values(a, b): the op's exact result for raw int8 operands, kept's first.
    """
    shape = (1,) * (len(y.shape) - len(other.shape)) + other.shape
    axes = [i for i, d in enumerate(shape) if d > 1]
    if len(axes) != 1 or kept.shape != y.shape:
        return None
    axis = axes[0]
    constants = other.values.reshape(-1).astype(np.int64)
    made = {int(v): np.asarray(values(ALL_INT8, np.full(256, v, np.int64))).astype(np.int64).astype(np.uint8)
            for v in np.unique(constants)}  # fmt: skip
    dims = (prod(y.shape[:axis]), y.shape[axis], prod(y.shape[axis + 1 :]))
    return Channels(buffer, dims, np.stack([made[int(v)] for v in constants]))


def compose(steps: list[Step], kept: set[str]) -> list[Step]:
    """`steps` with every chain of tables, or of ops that are one table per channel, as one. kept: outputs' buffers."""
    readers: dict[str, list[Step]] = {}
    writers: dict[str, int] = {}
    for step in steps:
        for read in set(step.reads):
            readers.setdefault(read, []).append(step)
        writers[step.y] = writers.get(step.y, 0) + 1
    done: set[int] = set()
    result: list[Step] = []
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
        # a chain stands where its first step stood: what else it would have to wait for are constants
        result += _one(chain)
    return result


def _is_table(step: Step) -> bool:
    return step.kernel == "lut" or step.channels is not None


def _source(step: Step) -> str | int:
    return step.channels.x if step.channels is not None else step.x


def _together(chain: Sequence[Step]) -> np.ndarray | None:
    """uint8[256] or uint8[b, 256] of the whole chain; None where channels do not lie alike."""
    if len(_dims(chain)) > 1:
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


def _dims(chain: Sequence[Step]) -> set[tuple[int, int, int]]:
    """How the channels lie in the chain's tensors: nothing where it is tables of whole tensors."""
    return {s.channels.dims for s in chain if s.channels is not None}


def _fits(chain: Sequence[Step]) -> bool:
    whole = _together(chain)
    if whole is None:
        return False
    if whole.ndim == 1:
        return True
    size = 256 * len(np.unique(whole, axis=0))
    return size <= (_CHAIN_BYTES if len(chain) > 1 else _ALONE_BYTES)


def _one(chain: list[Step]) -> list[Step]:
    """The step, or steps, of a chain."""
    first, last = chain[0], chain[-1]
    dims = next(iter(_dims(chain)), None)
    if len(chain) == 1 and (dims is None or not _fits(chain)):
        return chain
    whole = _together(chain)
    assert whole is not None, "a chain whose steps do not fit together"
    rows, which = np.unique(whole, axis=0, return_inverse=True) if whole.ndim == 2 else (whole[None], np.zeros(0, int))
    x = _source(first)
    inplace = (x,) if isinstance(x, str) else ()
    if dims is None or len(rows) == 1:
        words = TABLE.words(count=first.words[TABLE.count] if dims is None else prod(dims), table_offset=0)
        made = replace(last, kernel="lut", x=x, x2=None, words=words, constants=rows[0].tobytes())
    else:
        index = np.asarray(which).reshape(-1).astype("<u2").tobytes()
        index += bytes(-len(index) % 4)
        words = CHANNEL_TABLES.words(a=dims[0], b=dims[1], c=dims[2], tables_offset=len(index), which_offset=0)
        made = replace(last, kernel="channel_lut", x=x, x2=None, words=words, constants=index + rows.tobytes())
    return [replace(made, inplace=inplace, channels=None)]
