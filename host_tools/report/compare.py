"""Two packed networks side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import ToolError
from ..fileformat.packed import Packed, read_file
from . import measured
from .build import FIGURES


def rows(first: Path, second: Path, on: str | None, data: Path | None = None,
         say: Callable[[str], None] = lambda text: None) -> list[dict]:  # fmt: skip
    """[{"what", "unit", "a", "b", "ratio"}]; unit: "bytes", "", "ms" or "part"; ratio: b / a, None where a is 0.

    on: the target whose time is measured, or None. ToolError as those of `fxnn profile` and `fxnn evaluate`.
    """
    networks = [read_file(first), read_file(second)]
    table: list[tuple] = [(what, "bytes", [size(n) for n in networks]) for what, size in _SIZES]
    table += [
        ("ops", "", [len(n.ops) for n in networks]),
        ("multiply-accumulates", "", [sum(op.macs for op in n.ops) for n in networks]),
    ]
    if on:
        from ..targets import open_target

        say(f"measuring on {on}")
        with open_target(on) as target:
            runs = [measured.rows(target, n)["records"] for n in networks]
        table.append(("time of an inference", "ms", [sum(r["time_us"] for r in run) / 1000 for run in runs]))
        if any(r["cycles"] for run in runs for r in run):
            table.append(("cycles", "", [sum(r["cycles"] for r in run) for run in runs]))
    if data:
        table += _accuracy(first, second, data, say)
    return [
        {"what": what, "unit": unit, "a": a, "b": b, "ratio": round(b / a, 4) if a else None} for what, unit, (a, b) in table
    ]  # fmt: skip


_SIZES: tuple[tuple[str, Callable[[Packed], int]], ...] = (
    ("file", lambda n: len(n.data)),
    ("records and weights", lambda n: n.resident_bytes),
    ("arena", lambda n: n.arena_bytes),
    ("RAM, all loaded", lambda n: n.resident_bytes + n.arena_bytes),
)


def _accuracy(first: Path, second: Path, data: Path, say: Callable[[str], None]) -> list[tuple]:
    from ..measure import datasets
    from ..measure.evaluate import answers, open_network, score
    from ..measure.evaluate import compare as agree

    say("measuring accuracy")
    opened = [open_network(first), open_network(second)]
    if opened[0].input_shapes != opened[1].input_shapes or opened[0].output_shapes != opened[1].output_shapes:
        raise ToolError(f"{first.name} and {second.name} cannot answer the same data",
                        f"inputs {opened[0].input_shapes} and {opened[1].input_shapes}, outputs {opened[0].output_shapes} and "
                        f"{opened[1].output_shapes}", "leave --data out to compare sizes and time alone")  # fmt: skip
    dataset = datasets.read(data, opened[0].input_shapes, how_to=datasets.HOW_TO_TEST)
    outputs = [answers(network, dataset) for network in opened]
    figures = [score(y, dataset, names=network.labels) for y, network in zip(outputs, opened)]
    found = [(title.replace("{k}", str(figures[0].get("k", ""))), "part" if part else "", [f[key] for f in figures]) for key, title, _, part in FIGURES
             if all(f.get(key) is not None for f in figures)]  # fmt: skip
    both = agree(outputs[1], outputs[0])
    if "agreement" in both and figures[0]["task"] not in ("anomaly", "regress"):
        found.append(("same best answer as A", "part", [1.0, both["agreement"]]))
    return found


def show(rows: list[dict], first: Path, second: Path, console) -> None:
    """Prints the rows for people."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", f"A: {escape(first.name)}", f"B: {escape(second.name)}", "change"):
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        table.add_row(row["what"], _text(row["a"], row["unit"]), _text(row["b"], row["unit"]), _change(row))
    console.print(table)


def _change(row: dict) -> str:
    """From A to B: a part in points, everything else relative."""
    if row["a"] == row["b"]:
        return "same"
    if row["unit"] == "part":
        return f"{100 * (row['b'] - row['a']):+.2f} points"
    return "" if row["ratio"] is None else f"{100 * (row['ratio'] - 1):+.1f} %"


def _text(value, unit: str) -> str:
    if unit == "part":
        return f"{100 * value:.2f} %"
    if isinstance(value, float):
        return f"{value:,.2f} {unit}".strip()
    return f"{value:,} {unit}".strip()
