"""Which elements STRIDED_SLICE reads: lowering, folding and the float interpreter all ask here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .core import EXPORT, Unsupported


def strided(
    shape: Sequence[int], begin: Sequence[int], end: Sequence[int], step: Sequence[int], attrs: Mapping[str, int]
) -> tuple[list[int], list[int], list[int], tuple[int, ...]]:
    """(starts, counts, steps, output shape) of STRIDED_SLICE with all its masks, one entry per dimension of x.

    kernels/internal/strided_slice_logic.h; Python's own slices clamp in the same way.
    """

    def bit(name: str, i: int) -> int:
        return attrs[name] >> i & 1

    specs = len(begin)
    used = sum(1 for i in range(specs) if not bit("EllipsisMask", i) and not bit("NewAxisMask", i))
    starts: list[int] = []
    counts: list[int] = []
    steps: list[int] = []
    out: list[int] = []

    def take(start: int, count: int, stride: int, kept: bool = True) -> None:
        starts.append(start)
        counts.append(count)
        steps.append(stride)
        if kept:
            out.append(count)

    for i in range(specs):
        if bit("EllipsisMask", i):
            for _ in range(len(shape) - used):
                take(0, shape[len(starts)], 1)
            used = len(shape)
            continue
        if bit("NewAxisMask", i):
            out.append(1)
            continue
        d = shape[len(starts)]
        if bit("ShrinkAxisMask", i):
            at = begin[i] + (d if begin[i] < 0 else 0)
            if not 0 <= at < d:
                raise Unsupported(f"index {begin[i]} is outside of {d}", EXPORT)
            take(at, 1, 1, kept=False)
            continue
        stop = begin[i] + end[i] if attrs.get("Offset") else end[i]
        first, last = None if bit("BeginMask", i) else begin[i], None if bit("EndMask", i) else stop
        chosen = range(*slice(first, last, step[i]).indices(d))
        take(chosen.start, len(chosen), step[i])
    while len(starts) < len(shape):
        take(0, shape[len(starts)], 1)
    return starts, counts, steps, tuple(out)
