"""Ops that only move values, in floats: which elements they take does not depend on the values."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..ops.gather import nearest
from ..ops.slices import strided
from .core import activate, ints, meaning


def _taken(x: np.ndarray, found, out):
    """x's elements of these indices, one array or a list of them; an index below 0 stands for the value 0."""
    flat = x.reshape(len(x), -1)
    if isinstance(found, list):
        return [flat[:, f.reshape(-1)].reshape(len(x), *f.shape) for f in found]
    found = found.reshape(-1)
    y = flat[:, found]
    if found.min(initial=0) < 0:
        y[:, found < 0] = 0
    return y.reshape(len(x), *out.shape)


def _indices(x: np.ndarray) -> np.ndarray:
    """The index of each element of a sample, in its shape."""
    return np.arange(x[:1].size).reshape(x.shape[1:])


def _moves(source: int = 0):
    """Registers an op that only moves values, by function(op, arguments, the input's indices) -> the output's, or a list."""

    def register(function):
        def compute(op, args, out):
            return _taken(args[source], function(op, args, _indices(args[source])), out)

        compute.__name__ = function.__name__
        meaning(compute)
        return function

    return register


@_moves()
def _slice(op, args, indices):
    begin, size = (ints(a) for a in args[1:3])
    return indices[tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin, size))]


@_moves()
def _strided_slice(op, args, indices):
    begin, end, step = map(ints, args[1:4])
    starts, counts, steps, _ = strided(indices.shape, begin, end, step, op.attrs)
    return indices[np.ix_(*(b + s * np.arange(n) for b, n, s in zip(starts, counts, steps)))]


@_moves(1)
def _split(op, args, indices):
    return np.split(indices, len(op.outputs), ints(args[0])[0] % indices.ndim)


@_moves()
def _split_v(op, args, indices):
    sizes, axis = ints(args[1]), ints(args[2])[0] % indices.ndim
    rest = indices.shape[axis] - sum(s for s in sizes if s >= 0)
    return np.split(indices, np.cumsum([rest if s < 0 else s for s in sizes])[:-1], axis)


@_moves()
def _unpack(op, args, indices):
    return list(np.moveaxis(indices, op.attrs["axis"] % indices.ndim, 0))


@_moves()
def _nearest(op, args, indices):
    options = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    rows, columns = (nearest(d, n, *options) for d, n in zip(indices.shape[1:3], ints(args[1])))
    return indices[:, rows][:, :, columns]


@_moves()
def _mirror_pad(op, args, indices):
    return np.pad(indices, np.reshape(args[1], (-1, 2)).astype(int), mode=op.attrs["mode"].lower())


@_moves()
def _space_to_depth(op, args, indices):
    b = op.attrs["block_size"]
    n, h, w, c = indices.shape
    return indices.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)


@_moves()
def _depth_to_space(op, args, indices):
    b = op.attrs["block_size"]
    n, h, w, c = indices.shape
    return indices.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)


@_moves()
def _space_to_batch(op, args, indices):
    block, pads = ints(args[1]), np.reshape(args[2], (-1, 2)).astype(int)
    padded = np.pad(
        indices, [(0, 0), *map(tuple, pads), *[(0, 0)] * (indices.ndim - 1 - len(block))], constant_values=-1
    )
    parts = [
        padded[(slice(None), *(slice(p, None, b) for p, b in zip(at, block)))] for at in product(*map(range, block))
    ]
    return np.concatenate(parts)


@_moves()
def _batch_to_space(op, args, indices):
    block, crops = ints(args[1]), np.reshape(args[2], (-1, 2)).astype(int)
    images = len(indices) // int(np.prod(block))
    large = np.empty(
        (images, *(d * b for d, b in zip(indices.shape[1:], block)), *indices.shape[1 + len(block) :]), int
    )
    for i, at in enumerate(product(*map(range, block))):
        large[(slice(None), *(slice(p, None, b) for p, b in zip(at, block)))] = indices[i * images : (i + 1) * images]
    return large[(slice(None), *(slice(a, d - b) for (a, b), d in zip(crops, large.shape[1:])))]


def _gathers(one):
    """Registers one(op, values, indices) of one sample; either may be a constant, which every sample shares."""

    def compute(op, args, out):
        x, index = args
        moving = op.attrs["moving"]  # which of the two are activations: run_op says
        if not moving[1]:
            return _taken(x, one(op, _indices(x), index), out)
        taken = [one(op, x[n] if moving[0] else x, index[n]) for n in range(len(index))]
        return np.stack(taken).reshape(len(index), *out.shape)

    compute.__name__ = one.__name__
    meaning(compute)
    return one


@_gathers
def _gather(op, x, index):
    axis, batch = op.attrs["axis"] % x.ndim, op.attrs["batch_dims"]
    if not batch:
        return np.take(x, index, axis)
    lead = x.shape[:batch]
    flat_x, flat_index = x.reshape(-1, *x.shape[batch:]), index.reshape(-1, *index.shape[batch:])
    taken = np.stack([np.take(a, i, axis - batch) for a, i in zip(flat_x, flat_index)])
    return taken.reshape(*lead, *taken.shape[1:])


@_gathers
def _gather_nd(op, x, index):
    return x[tuple(np.moveaxis(index, -1, 0))]


@meaning
def _embedding(op, args, out):
    index, table = args
    return np.take(table, index.reshape(len(index), -1), 0).reshape(len(index), *out.shape)


@meaning
def _update_slice(op, args, out):
    """A box of x replaced, its start kept inside; the start may be computed."""
    x, update, start = args
    count = max(len(x), len(update))
    y = np.broadcast_to(x, (count, *x.shape[1:])).copy()
    starts = np.broadcast_to(start, (count, *start.shape[-1:])) if start.ndim == 1 else start
    for n in range(count):
        at = [min(max(0, int(s)), d - u) for s, d, u in zip(starts[n], y.shape[1:], update.shape[1:])]
        y[(n, *(slice(a, a + d) for a, d in zip(at, update.shape[1:])))] = update[min(n, len(update) - 1)]
    return y


@meaning
def _pack(op, args, out):
    count = max(map(len, args))
    return np.stack([np.broadcast_to(x, (count, *x.shape[1:])) for x in args], op.attrs["axis"] % len(out.shape) + 1)


@meaning
def _concatenation(op, args, out):
    count = max(map(len, args))
    parts = [np.broadcast_to(x, (count, *x.shape[1:])) for x in args]
    return activate(np.concatenate(parts, op.attrs["axis"] % len(out.shape) + 1), op.attrs["activation"])


@meaning
def _pad(op, args, out):
    amounts = [(0, 0), *((int(b), int(a)) for b, a in np.reshape(args[1], (-1, 2)))]
    value = float(np.reshape(args[2], -1)[0]) if len(args) > 2 else 0.0
    return np.pad(args[0], amounts, constant_values=value)


@meaning
def _same_values(op, args, out):
    return args[0].reshape(len(args[0]), *out.shape)


@_moves()
def _transpose(op, args, indices):
    return indices.transpose(ints(args[1]))


@_moves()
def _reverse(op, args, indices):
    return np.flip(indices, tuple(a % indices.ndim for a in ints(args[1])))


@_moves()
def _tile(op, args, indices):
    return np.tile(indices, ints(args[1]))


@_moves()
def _broadcast_to(op, args, indices):
    return np.broadcast_to(indices, ints(args[1]))


@meaning
def _fill(op, args, out):
    return np.broadcast_to(args[1].reshape(-1, *[1] * len(out.shape)), (len(args[1]), *out.shape))
