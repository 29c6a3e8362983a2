"""The commands `quantize` and `evaluate`; the rest of the command line is cli.py, which imports this at its end."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path

import click

from ..package.boards import BOARDS, DEFAULT
from .commands import _EXISTING, _OUT, ON_HELP, _bar, _console, _print_json, _waiting, cli

_MODEL = click.Path(exists=True, path_type=Path)
_STEP = click.Choice(["auto", "on", "off"])
_PIXELS = click.option(
    "--pixels", type=click.Choice(["0..1", "-1..1", "0..255"]), default="0..1", show_default=True,
    help="What the pixels of image files become.",
)  # fmt: skip


@cli.command(
    epilog="""\
Examples:
  fxnn quantize digits.keras --data calibration.npz -o digits.fxnn --labels digits.txt
  fxnn quantize float.tflite --data folder/of/images -o net.fxnn --ranges mse --rounding nearest"""
)
@click.argument("model", metavar="MODEL", type=_MODEL)
@click.option(
    "--data", metavar="FILE|FOLDER|random", help="Calibration data: .npz (x0), .npy, or a folder of .npy or images."
)
@click.option(
    "-o", "--output", "out", metavar="OUT.fxnn", type=_OUT, required=True, help="The packed network to write."
)
@click.option("--name", help="The network's name.  [default: that of OUT.fxnn]")
@click.option(
    "--labels", metavar="FILE", type=_EXISTING, help="Text file with a label a line, for the outputs in order."
)
@click.option("--selftest", metavar="N", type=click.IntRange(0, 100), default=3, show_default=True,
              help="Embed N test vectors, which the board can check itself with.")  # fmt: skip
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
@click.option(
    "--flash", metavar="SIZE", help="The file's largest size, such as 40k: weights become int4 where it costs least."
)
@click.option("--samples", metavar="N", type=click.IntRange(1), default=512, show_default=True,
              help="Use at most N calibration samples.")  # fmt: skip
@_PIXELS
@click.option("--board", type=click.Choice(list(BOARDS)), default=DEFAULT, show_default=True,
              help="Whose assembler kernels to prepare for; every board runs the file.")  # fmt: skip
@click.option("--place", "placing", type=click.Choice(["auto", "flash", "ram"]), default="auto", show_default=True,
              help="Where constants are meant to be used from: as in `fxnn convert`.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def quantize(model, data, out, name, labels, selftest, ranges, percent, equalize, bias_correction, rounding, weights,
             flash, samples, pixels, board, placing, as_json):  # fmt: skip
    """Makes a float network int8 and packs it: .keras, .h5, a SavedModel or .tflite.

    TensorFlow is needed only to read Keras models. A full-int8 .tflite keeps its own scales.
    """
    from ..measure.quantize_file import quantize_file
    from ..quantizer import Options

    step = {"auto": "auto", "nearest": "off", "adaptive": "on"}[rounding]
    options = Options(ranges, percent, equalize, bias_correction, step, samples, weights, flash and _size(flash))
    with _stages() as progress:
        done = quantize_file(model, data, out, options, name=name, labels=labels, selftest=selftest, pixels=pixels,
                             board=board, placing=placing, progress=progress)  # fmt: skip
    for note in done.notes:
        click.secho(f"note: {note}", fg="yellow", err=True)
    if as_json:
        _print_json({"output": str(out), **done.as_dict()})
        return
    for line in done.lines():
        click.echo(line)
    click.echo(f"wrote {out}")


@cli.command(
    epilog="""\
Examples:
  fxnn evaluate digits.fxnn --data test.npz
  fxnn evaluate digits.fxnn --data test.npz --against digits.keras --on pico -n 60"""
)
@click.argument("network", metavar="NET", type=_MODEL)
@click.option("--data", metavar="FILE|FOLDER", type=_MODEL, required=True,
              help="Test data: .npz with x0 and labels (or targets), or a folder of class folders.")  # fmt: skip
@click.option("--on", "on", metavar="host|ref|unix|pico|PORT", default="host", show_default=True, help=ON_HELP)
@click.option("--against", metavar="MODEL", type=_MODEL, help="Another form of the network, such as the float one.")
@click.option("--task", type=click.Choice(["auto", "classify", "anomaly", "regress", "compare"]), default="auto", show_default=True,
              help="What the outputs mean.")  # fmt: skip
@click.option("--top", "k", metavar="K", type=click.IntRange(1), default=3, show_default=True, help="The K of top-K.")
@click.option("-n", "count", metavar="N", type=click.IntRange(1), help="Only N samples, evenly spread.  [default: all]")
@_PIXELS
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(network, data, on, against, task, k, count, pixels, as_json):
    """Measures a network's accuracy on test data, on any target, and against another form of it."""
    from ..measure import datasets
    from ..measure.evaluate import evaluate as run_evaluate
    from ..measure.evaluate import open_network
    from ..measure.evaluate_show import show
    from ..targets import open_target

    with _waiting("reading the network"):
        opened = open_network(network)
        other = open_network(against) if against else None
        dataset = datasets.read(data, opened.input_shapes, pixels, datasets.HOW_TO_TEST).first(count)
    from ..measure.evaluate import cut_off

    for note in [*dataset.notes, *cut_off(opened, dataset)]:
        click.secho(f"note: {note}", fg="yellow", err=True)
    with _waiting(f"opening {on}"):
        target = open_target(on)
    with target, _bar("measuring", len(dataset)) as advance_to:
        result = run_evaluate(opened, dataset, target, other, task, k, advance_to)
    if as_json:
        _print_json(result)
    else:
        show(result, _console())


def _size(text: str) -> int:
    """Bytes: 40000, 40k (40 * 1024), 1.5M."""
    unit = {"k": 1024, "m": 1024 * 1024}.get(text[-1:].lower(), 1)
    try:
        return int(float(text[:-1] if unit > 1 else text) * unit)
    except ValueError:
        raise click.BadParameter(f"'{text}' is no size: give bytes, or 40k, or 1.5M", param_hint="--flash") from None


@contextmanager
def _stages():
    """A progress bar on stderr that changes its text: call what it yields with (what, done, of how much)."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        TextColumn("{task.description:44}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading the model", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)
