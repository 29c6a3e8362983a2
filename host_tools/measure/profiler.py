"""Where an inference's time and memory go: a report from a target's Profile."""

from __future__ import annotations

from ..fileformat.packed import Packed
from ..package.runner import Profile


def report(packed: Packed, profile: Profile, target: str) -> dict:
    """The report for scripts. Times in microseconds, sizes in bytes; cycles only where the target counts them."""
    ops = [_op_row(op.name, op.kind, op.macs, op.time_us, cycles_of(op, profile.clock_hz)) for op in profile.ops]
    cycles = [cycles_of(op, profile.clock_hz) for op in profile.ops]
    totals = _op_row(
        "",
        "",
        sum(op.macs for op in profile.ops),
        sum(op.time_us for op in profile.ops),
        None if None in cycles else sum(n for n in cycles if n is not None),
    )
    del totals["name"], totals["kind"]
    return {
        "name": packed.name,
        "target": target,
        "board": profile.board,
        "backend": profile.backend,
        "clock_hz": profile.clock_hz,
        "ops": ops,
        "total": totals,
        "arena_bytes": packed.arena_bytes,
        "model_bytes": len(packed.data),
        "resident_bytes": packed.resident_bytes,
        "heap_peak_bytes": profile.heap_peak_bytes,
        "weights_in": profile.weights_in,
    }


def cycles_of(op, clock_hz: int | None) -> int | None:
    """Counted, else the microseconds' worth; None where the target's cycles mean nothing."""
    if clock_hz is None:
        return None
    return op.time_us * clock_hz // 1_000_000 if op.cycles is None else op.cycles


def _op_row(name: str, kind: str, macs: int, time_us: int, cycles: int | None) -> dict:
    row = {"name": name, "kind": kind, "macs": macs, "time_us": time_us}
    if cycles is not None:
        row["cycles"] = cycles
        row["cycles_per_mac"] = round(cycles / macs, 2) if macs else None
    return row


def show(report: dict, console) -> None:
    """Prints the report for people."""
    from rich.table import Table

    cycles = report["clock_hz"] is not None
    table = Table(box=None, pad_edge=False)
    for title in ("op", "kind", "MACs", "time", "share"):
        table.add_column(title, justify="left" if title in ("op", "kind") else "right", no_wrap=title != "op")
    if cycles:
        table.add_column("cycles", justify="right")
        table.add_column("cycles/MAC", justify="right")
    total = report["total"]
    for row in [*report["ops"], {"name": "total", "kind": "", **total}]:
        share = f"{100 * row['time_us'] / total['time_us']:.1f} %" if total["time_us"] else ""
        # TensorFlow names a fused op after all that went into it; the first says enough here.
        cells = [
            row["name"].partition(";")[0],
            row["kind"],
            f"{row['macs']:,}" if row["macs"] else "",
            f"{row['time_us'] / 1000:,.2f} ms",
            share,
        ]
        if cycles:
            per_mac = row["cycles_per_mac"]
            cells += [f"{row['cycles']:,}", "" if per_mac is None else f"{per_mac:.2f}"]
        table.add_row(*cells, style="bold" if row["name"] == "total" else None)
    console.print(
        f"{report['name']} on {report['target']} ({report['board']}), kernels: {report['backend']}", markup=False
    )
    console.print(table)
    heap = report["heap_peak_bytes"]
    console.print(
        f"arena {report['arena_bytes']:,} bytes, model {report['model_bytes']:,} bytes, "
        f"weights in {report['weights_in']}, heap at its highest " + (f"{heap:,} bytes" if heap else "unknown"),
        markup=False,
    )
