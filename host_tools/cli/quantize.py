"""The command `quantize`."""

from __future__ import annotations

import click

from . import options
from .group import Command
from .output import print_json, print_notes, stages

_STEP = click.Choice(["auto", "on", "off"])


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn quantize digits.keras --data calibration.npz -o digits.fxnn --labels digits.txt
  fxnn quantize float.tflite --data folder/of/images -o net.fxnn --ranges mse --rounding nearest""",
)
@click.argument("model", metavar="MODEL", type=options.MODEL)
@click.option(
    "--data", metavar="FILE|FOLDER|random", help="Calibration data: .npz (x0), .npy, or a folder of .npy or images."
)
@options.packed_output
@click.option("--ranges", type=click.Choice(["auto", "minmax", "percentile", "mse", "kl"]), default="auto", show_default=True,
              help="How activations' ranges are chosen; auto tries all and measures.")  # fmt: skip
@click.option(
    "--percentile", "percent", type=click.FloatRange(90, 100), help="For --ranges percentile.  [default: 99.99]"
)
@click.option("--equalize", type=_STEP, default="auto", show_default=True, help="Cross-layer equalization.")
@click.option("--bias-correction", type=_STEP, default="auto", show_default=True, help="Biases take the mean error.")
@click.option("--rounding", type=click.Choice(["auto", "nearest", "adaptive"]), default="auto", show_default=True,
              help="How weights are rounded; auto takes adaptive where it helps.")  # fmt: skip
@click.option("--weights", type=click.Choice(["int8", "int4"]), default="int8", show_default=True,
              help="Bits of the weights of convolutions (not depthwise ones) and dense layers.")  # fmt: skip
@click.option("--flash", metavar="SIZE", type=options.Bytes(),
              help="The file's largest size, such as 40k: weights become int4 where it costs least.")  # fmt: skip
@click.option("--samples", metavar="N", type=click.IntRange(1), default=512, show_default=True,
              help="Use at most N calibration samples.")  # fmt: skip
@options.pixels
@options.packing
@options.as_json("Print the result as JSON.")
def quantize(model, data, out, name, labels, ranges, percent, equalize, bias_correction, rounding, weights, flash, samples,
             pixels, packing, as_json):  # fmt: skip
    """Makes a float network int8 and packs it: .keras, .h5, a SavedModel or .tflite.

    TensorFlow is needed only to read Keras models. A full-int8 .tflite keeps its own scales.
    """
    from ..measure.quantize_file import quantize_file
    from ..quantizer import Options

    step = {"auto": "auto", "nearest": "off", "adaptive": "on"}[rounding]
    how = Options(ranges, percent, equalize, bias_correction, step, samples, weights, flash)
    with stages("reading the model") as progress:
        done = quantize_file(model, data, out, how, packing, name=name, labels=labels, pixels=pixels, progress=progress)
    print_notes(done.notes)
    if as_json:
        print_json({"output": str(out), **done.as_dict()})
        return
    for line in done.lines():
        click.echo(line)
    click.echo(f"wrote {out}")
