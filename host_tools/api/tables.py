"""Reports for the REPL and notebooks: tables whose rows are tuples, as device/fxnn/report.py prints them.

`net` is a network.Network, which imports this.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..record import RECORD
from .tensor import text_shape

_WIDTH = 34  # longer names, which TFLite makes, are cut in print


class Report:
    """A table: repr() prints it, `rows` are tuples for scripts, `head` names their columns, `foot` are lines below."""

    def __init__(self, head: tuple[str, ...], rows: list[tuple], foot: list[str]):
        self.head = head
        self.rows = rows
        self.foot = foot

    def __repr__(self) -> str:
        rows = [self.head, *self.rows]
        widths = [min(_WIDTH, max(len(str(row[i])) for row in rows)) for i in range(len(self.head))]
        lines = ["  ".join(map(_cell, row, widths)).rstrip() for row in rows]
        return "\n".join(lines + self.foot)


def _cell(cell, width: int) -> str:
    """Text to the left, numbers to the right."""
    if not isinstance(cell, str):
        return str(cell).rjust(width)
    return (cell if len(cell) <= width else cell[: width - 2] + "..").ljust(width)


def where(file) -> str:
    """One line: where the constants are used from, and why not from flash where that was asked for."""
    return f"constants: {file.where}" + (f" (not flash: {file.why})" if file.why else "")


def summary(net) -> Report:
    """See Network.summary. Rows: index, kernel, name, shape written, macs, bytes of constants."""
    packed = net.file.packed
    shapes = {tensor.first_op: text_shape(tensor.shape) for tensor in packed.tensors}
    rows = [
        (op.index, op.kernel, op.name, shapes.get(op.index, ""), op.macs, op.words[RECORD.const_bytes])
        for op in packed.ops
    ]
    foot = [*map(repr, net.inputs + net.outputs), where(net.file), repr(net)]
    return Report(("op", "kernel", "name", "writes", "macs", "bytes"), rows, foot)


def profile(net, clock: Callable | None = None, diff: Callable | None = None) -> Report:
    """See Network.profile. Rows: index, kernel, name, macs, time."""
    clock = clock or (lambda: time.perf_counter_ns() // 1000)
    rows = []
    for op, step in zip(net.file.packed.ops, net.steps()):
        start = clock()
        step()
        end = clock()
        rows.append((op.index, op.kernel, op.name, op.macs, diff(end, start) if diff else end - start))
    total = sum(row[4] for row in rows)
    foot = f"total {total}, {sum(row[3] for row in rows)} MACs, {net.backend}"
    return Report(("op", "kernel", "name", "macs", "time"), rows, [foot])
