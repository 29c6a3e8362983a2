"""The figures of `fxnn evaluate` as tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

_MOST_CLASSES = 20  # a wider confusion matrix does not fit a terminal: --json has it


def show(result: dict, console: Console) -> None:
    """Prints what evaluate.evaluate() returns."""
    figures, other = result["figures"], result.get("against_figures")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"{figures['samples']} sample{'s' * (figures['samples'] > 1)}")
    table.add_column(f"{result['network']} on {result['on']}", justify="right")
    if other:
        table.add_column(result["against"], justify="right")
    for name, text in _rows(figures):
        table.add_row(name, text, *([dict(_rows(other)).get(name, "")] if other else []))
    console.print(table)
    if other:
        c = result["compared"]
        same = f"; the same best output for {c['agreement']:.2%}" if "agreement" in c else ""
        console.print(
            f"against {result['against']}: {c['sqnr_db']:.1f} dB, largest difference {c['max_difference']:.3g}{same}"
        )
    if figures["task"] == "classify":
        _classes(figures, other, console)


def _rows(figures: dict) -> list[tuple[str, str]]:
    rows = []
    if "top1" in figures:
        rows.append(("top-1", f"{figures['top1']:.2%} ({figures['correct']})"))
        if len(figures["classes"]) > 2:
            rows.append((f"top-{figures['k']}", f"{figures['topk']:.2%}"))
    if "auc" in figures:
        rows.append(("AUC", f"{figures['auc']:.4f}"))
    if "mean_score" in figures:
        rows += [
            ("mean score, normal", f"{figures['mean_score'][0]:.4g}"),
            ("mean score, odd", f"{figures['mean_score'][1]:.4g}"),
        ]
    for key, name in (
        ("mae", "mean absolute error"),
        ("rmse", "root mean square error"),
        ("max_error", "largest error"),
        ("r2", "R2"),
    ):
        if figures.get(key) is not None:
            rows.append((name, f"{figures[key]:.4g}"))
    return rows


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _classes(figures: dict, other: dict | None, console: Console) -> None:
    """A line a class: how many, recall, precision, then where its samples went."""
    names = [row["name"] for row in figures["classes"]]
    wide = len(names) <= _MOST_CLASSES
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("truth")
    for column in ["count", "recall", *(["recall there"] if other else []), "precision", *(names if wide else ())]:
        table.add_column(column, justify="right")
    for i, row in enumerate(figures["classes"]):
        cells = [str(n) if n else "." for n in figures["confusion"][i]] if wide else []
        there = [_percent(other["classes"][i]["recall"])] if other else []
        table.add_row(
            row["name"], str(row["count"]), _percent(row["recall"]), *there, _percent(row["precision"]), *cells
        )
    console.print(table)
    console.print("columns: what the network answered" if wide else "the confusion matrix is in --json")
