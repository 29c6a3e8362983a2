"""The command `run`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import bar, print_json, waiting


@click.command(
    cls=Command,
    epilog="""\
Example, with floats in and out:
  python -c "import numpy as np; np.savez('in.npz', x0=np.zeros((1, 8, 8, 1), np.float32))"
  fxnn run digits.fxnn --on host --input in.npz --output out.npz""",
)
@click.argument("network", metavar="NET.fxnn", type=options.EXISTING)
@options.on("host")
@click.option("--input", "input_path", metavar="IN.npz", type=options.EXISTING, required=True,
              help="Arrays x0, x1, ...: N inferences, then the tensor's shape. int8 goes in raw, float is quantized.")  # fmt: skip
@click.option("--output", "output_path", metavar="OUT.npz", type=options.OUT, required=True,
              help="Arrays y0, y1, ...: int8 for int8 inputs, float for float ones.")  # fmt: skip
@click.option("--reset", is_flag=True, help="Reset the network's state before each inference (LSTM, SVDF, variables).")
@options.as_json("Print how it went as JSON.")
def run(network, on, input_path, output_path, reset, as_json):
    """Runs a packed network on inputs from a .npz file."""
    from ..fileformat.packed import read_file
    from ..fileformat.quantized_io import present_outputs, read_inputs, write_outputs
    from ..targets import open_target

    packed = read_file(network)
    batch = read_inputs(input_path, packed)
    with waiting(f"opening {on}"):
        target = open_target(on)
    with target, bar("running", len(batch)) as advance_to:
        target.fresh = reset
        outputs, stats = target.run(packed, batch.arrays, advance_to)
    write_outputs(output_path, present_outputs(outputs, packed, batch.real))
    per_inference = stats.total_us / len(batch)
    if as_json:
        print_json({"output": str(output_path), "inferences": len(batch), "backend": stats.backend,
                    "total_us": stats.total_us,
                    "us_per_inference": per_inference, "heap_peak_bytes": stats.heap_peak_bytes})  # fmt: skip
    else:
        many = "s" if len(batch) > 1 else ""
        click.echo(f"{len(batch)} inference{many} on {target.name} ({stats.backend}), {per_inference / 1000:.2f} ms each; "
                   f"wrote {output_path}")  # fmt: skip
