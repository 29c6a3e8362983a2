"""What is in a packed network: for people (tables and a map of the arena) and for scripts (a dict)."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..assembler.targets import runs_in
from ..fileformat import extents
from ..fileformat.packed import OpRecord, Packed, TensorEntry
from ..fileformat.ram import longest_call
from ..record import RECORD
from . import chart
from .shapes import shapes


def describe(network: Packed) -> dict:
    """Everything `show` prints, as plain values. Sizes in bytes."""
    return {
        "name": network.name,
        "metadata": network.metadata,
        "flash_bytes": len(network.data),
        "resident_bytes": network.resident_bytes,
        "records_bytes": network.records_bytes,
        "pieces": network.pieces,
        "arena_bytes": network.arena_bytes,
        "ram_bytes": network.resident_bytes + network.arena_bytes,
        "macs": sum(op.macs for op in network.ops),
        "weight_bytes": sum(len(op.constants) for op in network.ops),
        "labels": list(network.labels),
        "selftest_vectors": len(network.selftest),
        "inputs": [_tensor(t) for t in network.inputs],
        "outputs": [_tensor(t) for t in network.outputs],
        "ops": [
            {
                "index": op.index,
                "kernel": op.kernel,
                "name": op.name,
                "input_shape": input_shape,
                "output_shape": output_shape,
                "macs": op.macs,
                "backend": backend,
                "backend_why": why,
                "constants_bytes": len(op.constants),
                "x_offset": op.words[RECORD.x_offset],
                "y_offset": op.words[RECORD.y_offset],
                "scratch_bytes": scratch_bytes(op),
            }
            for op in network.ops
            for input_shape, output_shape in [shapes(op)]
            for backend, why in [runs_in(op.fast_target, op.kernel, op.words, op.constants)]
        ],
        "arena": [_tensor(t) for t in network.tensors],
    }


def show(network: Packed, console: Console) -> None:
    """Prints the network to `console`."""
    d = describe(network)
    console.print(f"[bold]{_plain(network.name)}[/bold]  {_plain(str(network.metadata.get('source', '')))}")
    for title, tensors in (("input", network.inputs), ("output", network.outputs)):
        for t in tensors:
            real = ", floats at the border" if t.real_border else ""
            console.print(
                f"  {title:6} {t.dtype} {_shape(t.shape)}  scale {t.scale:.6g}, zero point {t.zero_point}{real}"
                f"  '{_plain(t.name)}'",
                highlight=False,
            )
    if network.labels:
        console.print(f"  labels {_plain(', '.join(network.labels))}", highlight=False)

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("#", "kernel", "code", "input", "output", "MACs", "constants", "scratch", "name"):
        numbers = column in ("#", "MACs", "constants", "scratch")
        table.add_column(column, justify="right" if numbers else "left", no_wrap=column != "name")
    for op, row in zip(network.ops, d["ops"]):
        table.add_row(str(op.index), op.kernel, row["backend"], _shape(row["input_shape"]), _shape(row["output_shape"]),
                      f"{op.macs:,}" if op.macs else "", f"{len(op.constants):,}" if op.constants else "",
                      f"{row['scratch_bytes']:,}" if row["scratch_bytes"] else "", _plain(op.name))  # fmt: skip
    console.print(table)
    reasons: dict[tuple[str, str], list[int]] = {}
    for row in d["ops"]:
        if row["backend_why"]:
            reasons.setdefault((row["backend"], row["backend_why"]), []).append(row["index"])
    for (backend, why), indices in reasons.items():
        console.print(f"{backend} in {', '.join(map(str, indices))}: {why}", highlight=False)
    console.print(
        f"{d['macs']:,} MACs; flash {d['flash_bytes']:,} bytes (of which {len(network.selftest)} self-test vectors); "
        f"RAM {d['ram_bytes']:,} bytes: {d['resident_bytes']:,} records and weights, {d['arena_bytes']:,} arena",
        highlight=False,
    )
    if network.pieces:
        least = d["arena_bytes"] + d["records_bytes"]
        console.print(
            f"constants in {network.pieces} pieces: {least:,} bytes of RAM with them in an RP2's flash, "
            f"from {least + longest_call(network):,} on with them streamed",
            highlight=False,
        )
    for line in chart.lines(network):
        console.print(line, highlight=False, no_wrap=True)


def scratch_bytes(op: OpRecord) -> int:
    """Bytes of scratch that the op uses."""
    return extents.scratch_bytes(op.kernel, op.words, op.fast_target)


def _plain(text: str) -> str:
    """A name from a file, fit for a terminal."""
    return escape("".join(c if c.isprintable() else "?" for c in text))


def _shape(shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _tensor(t: TensorEntry) -> dict:
    return {
        "name": t.name, "dtype": t.dtype, "shape": list(t.shape), "scale": t.scale, "zero_point": t.zero_point,
        "real_border": t.real_border, "arena_offset": t.arena_offset, "bytes": t.bytes,
        "first_op": t.first_op, "last_op": t.last_op,
    }  # fmt: skip
