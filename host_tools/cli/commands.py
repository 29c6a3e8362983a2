"""The command line. Each command imports what it needs when it runs: `fxnn --help` is instant."""

from __future__ import annotations

import json as json_module
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import click

from .. import __version__
from ..package.boards import BOARDS, DEFAULT

ON_HELP = (
    "Where to run: host (numpy), ref (plain Python), unix (MicroPython on this computer), "
    "qemu-rv32 (MicroPython on an emulated RISC-V; its microseconds are instructions), pico (emulated Pico), or a serial port (auto finds the board)."
)
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


BACKENDS = ["thumb", "xtensa", "rv32", "viper", "ref"]  # of fxnn.load


class _Command(click.Command):
    """Shows the epilog's examples line by line, as they were written."""

    def format_epilog(self, ctx, formatter):
        if self.epilog:
            formatter.write_paragraph()
            for line in self.epilog.splitlines():
                formatter.write(f"{line}\n")


class _Bytes(click.ParamType):
    """A number of bytes: 65536 or 64k."""

    name = "bytes"

    def convert(self, value, param, ctx):
        text = str(value).lower().removesuffix("b")
        try:
            size = float(text.removesuffix("k")) * 1024 if text.endswith("k") else int(text)
        except ValueError:
            self.fail(f"{value!r} is no number of bytes, such as 65536 or 64k", param, ctx)
        if not 0 < size < 1 << 31:
            self.fail(f"{value!r} is not between 1 byte and 2 GB", param, ctx)
        return int(size)


class _Group(click.Group):
    command_class = _Command

    def format_epilog(self, ctx, formatter):
        _Command.format_epilog(self, ctx, formatter)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\
From a trained network to a running Pico:
  fxnn convert digits.tflite -o digits.fxnn
  fxnn verify digits.fxnn --against digits.tflite --on pico
  fxnn deploy digits.fxnn --port auto --main""",
)
@click.version_option(__version__, prog_name="fxnn")
def cli():
    """Runs trained int8 networks on stock MicroPython boards, with answers equal to TensorFlow Lite Micro's."""


@cli.command(
    epilog="""\
Examples:
  fxnn convert digits.tflite -o digits.fxnn --labels digits.txt
  fxnn convert person.tflite -o person.fxnn --ram 64k"""
)
@click.argument("model", metavar="MODEL.tflite", type=_EXISTING)
@click.option(
    "-o", "--output", "out", metavar="OUT.fxnn", type=_OUT, required=True, help="The packed network to write."
)
@click.option("--name", help="The network's name.  [default: that of OUT.fxnn]")
@click.option(
    "--labels", metavar="FILE", type=_EXISTING, help="Text file with a label a line, for the outputs in order."
)
@click.option("--selftest", metavar="N", type=click.IntRange(0, 100), default=3, show_default=True,
              help="Embed N test vectors, which the board can check itself with.")  # fmt: skip
@click.option("--board", type=click.Choice(list(BOARDS)), default=DEFAULT, show_default=True,
              help="Whose assembler kernels to prepare for; every board runs the file.")  # fmt: skip
@click.option("--place", "placing", type=click.Choice(["auto", "flash", "ram"]), default="auto", show_default=True,
              help="Where constants are meant to be used from. flash: cut so that an RP2 board uses them in its flash "
                   "and others stream them; ram: not cut; auto: flash where arena and constants exceed the board's RAM.")  # fmt: skip
@click.option("--prefer", type=click.Choice(["balanced", "speed", "ram"]), default="balanced", show_default=True,
              help="balanced: as fast as it gets with an arena no larger than TensorFlow Lite Micro's.")  # fmt: skip
@click.option("--ram", metavar="BYTES", type=_Bytes(),
              help="The most the arena (activations and scratch) may take, such as 65536 or 64k (k: 1024).")  # fmt: skip
@click.option("--stripes/--no-stripes", "striped", default=True, show_default=True,
              help="With --prefer ram, or a --ram that is not met otherwise: compute the widest ops some rows at a time.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def convert(model, out, name, labels, selftest, board, placing, prefer, ram, striped, as_json):
    """Packs a full-int8 .tflite network into one file for the board."""
    from ..compiler.convert import convert_file

    with _waiting("converting"):
        conversion = convert_file(model, out, name=name, labels=labels, selftest=selftest, board=board,
                                  placing=placing, prefer=prefer, ram=ram, striped=striped)  # fmt: skip
    if as_json:
        from ..fileformat.packed import read
        from ..report.inspect import describe

        _print_json({"output": str(out), **describe(read(conversion.data, out.name))})
        return
    for line in conversion.lines():
        click.echo(line)
    click.echo(f"wrote {out}")


@cli.command(
    epilog="""\
Examples:
  fxnn inspect digits.fxnn
  fxnn inspect digits.fxnn --json | jq .arena_bytes
  fxnn inspect digits.fxnn --png arena.png"""
)
@click.argument("network", metavar="NET.fxnn", type=_EXISTING)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--png", metavar="FILE", type=_OUT, help="Draw the memory plan over time (needs Pillow).")
def inspect(network, as_json, png):
    """Shows what is in a packed network: ops, shapes, memory, the arena over time."""
    from ..fileformat.packed import read_file
    from ..report.inspect import describe, show

    packed = read_file(network)
    if png is not None:
        from ..report import chart

        chart.draw(packed, png)
    if as_json:
        _print_json(describe(packed))
    else:
        show(packed, _console())


@cli.command(
    epilog="""\
Example, with real numbers in and out:
  python -c "import numpy as np; np.savez('in.npz', x0=np.zeros((1, 8, 8, 1), np.float32))"
  fxnn run digits.fxnn --on host --input in.npz --output out.npz"""
)
@click.argument("network", metavar="NET.fxnn", type=_EXISTING)
@click.option(
    "--on", "on", metavar="host|ref|unix|qemu-rv32|pico|PORT", default="host", show_default=True, help=ON_HELP
)
@click.option("--input", "input_path", metavar="IN.npz", type=_EXISTING, required=True,
              help="Arrays x0, x1, ...: N inferences, then the tensor's shape. int8 goes in raw, float is quantized.")  # fmt: skip
@click.option("--output", "output_path", metavar="OUT.npz", type=_OUT, required=True,
              help="Arrays y0, y1, ...: int8 for int8 inputs, float for float ones.")  # fmt: skip
@click.option("--reset", is_flag=True, help="Reset the network's state before each inference (LSTM, SVDF, variables).")
@click.option("--json", "as_json", is_flag=True, help="Print how it went as JSON.")
def run(network, on, input_path, output_path, reset, as_json):
    """Runs a packed network on inputs from a .npz file."""
    from ..fileformat.packed import read_file
    from ..fileformat.quantized_io import present_outputs, read_inputs, write_outputs
    from ..targets import open_target

    packed = read_file(network)
    batch = read_inputs(input_path, packed)
    with _waiting(f"opening {on}"):
        target = open_target(on)
    with target, _bar("running", len(batch)) as advance_to:
        target.fresh = reset
        outputs, stats = target.run(packed, batch.arrays, advance_to)
    write_outputs(output_path, present_outputs(outputs, packed, batch.real))
    per_inference = stats.total_us / len(batch)
    if as_json:
        _print_json({"output": str(output_path), "inferences": len(batch), "backend": stats.backend,
                     "total_us": stats.total_us,
                     "us_per_inference": per_inference, "heap_peak_bytes": stats.heap_peak_bytes})  # fmt: skip
    else:
        many = "s" if len(batch) > 1 else ""
        click.echo(f"{len(batch)} inference{many} on {target.name} ({stats.backend}), {per_inference / 1000:.2f} ms each; "
                   f"wrote {output_path}")  # fmt: skip


@cli.command(
    epilog="""\
Examples:
  fxnn verify digits.fxnn --against digits.tflite
  fxnn verify digits.fxnn --against digits.tflite --on /dev/ttyACM0 -n 4
Exit status: 0 all the same, 1 a difference (or an error)."""
)
@click.argument("network", metavar="NET.fxnn", type=_EXISTING)
@click.option(
    "--against",
    "model",
    metavar="MODEL.tflite",
    type=_EXISTING,
    required=True,
    help="The trained network it was made from.",
)
@click.option(
    "--on", "on", metavar="host|ref|unix|qemu-rv32|pico|PORT", default="host", show_default=True, help=ON_HELP
)
@click.option("-n", "count", metavar="N", type=click.IntRange(1), default=16, show_default=True,
              help="How many inputs: four extreme ones first, then random ones.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.pass_context
def verify(ctx, network, model, on, count, as_json):
    """Compares a packed network with the trained one, to the last bit."""
    from ..fileformat.packed import read_file
    from ..measure.verify import verify as run_verify
    from ..targets import open_target

    packed = read_file(network)
    with _waiting(f"opening {on}"):
        target = open_target(on)
    with target, _bar("comparing", count) as advance_to:
        verdict = run_verify(packed, model.read_bytes(), target, count, advance_to)
    if as_json:
        _print_json({**verdict.as_dict(), "on": target.name})
    elif verdict.difference is None:
        click.echo(
            f"same: {verdict.inferences} inputs, {verdict.values} output values, {target.name} = {verdict.oracle}"
        )
    else:
        click.echo(
            f"DIFFERENT: {verdict.wrong} of {verdict.values} output values, {target.name} against {verdict.oracle}"
        )
        click.echo(f"first: {verdict.difference}")
    ctx.exit(0 if verdict.difference is None else 1)


@cli.command(
    epilog="""\
Examples:
  fxnn profile digits.fxnn --on pico
  fxnn profile digits.fxnn --on auto --json profile.json"""
)
@click.argument("network", metavar="NET.fxnn", type=_EXISTING)
@click.option("--on", "on", metavar="unix|qemu-rv32|pico|PORT", default="pico", show_default=True, help=ON_HELP)
@click.option(
    "--backend", type=click.Choice(BACKENDS), help="Force these kernels, for comparison.  [default: the best]"
)
@click.option("--json", "json_path", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
              help="Write the figures as JSON; - is standard output.")  # fmt: skip
def profile(network, on, backend, json_path):
    """Shows where the time goes, op by op, and the memory; cycles on the emulated Pico."""
    from ..errors import ToolError
    from ..fileformat.packed import read_file
    from ..measure import profiler
    from ..targets import open_target

    packed = read_file(network)
    with _waiting(f"profiling on {on}"), open_target(on) as target:
        target.backend = backend
        report = profiler.report(packed, target.profile(packed), target.name)
    if json_path is None:
        profiler.show(report, _console())
    elif str(json_path) == "-":
        _print_json(report)
    else:
        try:
            json_path.write_text(json_module.dumps(report, indent=2) + "\n")
        except OSError as e:
            raise ToolError(
                f"cannot write {json_path}", e.strerror or str(e), "give a folder that can be written"
            ) from None
        profiler.show(report, _console())


@cli.command(
    epilog="""\
Examples:
  fxnn deploy digits.fxnn                      the one board that is plugged in
  fxnn deploy net.tflite                       converted for that board, then the same
  fxnn deploy digits.fxnn --port /dev/ttyACM0 --main
  fxnn deploy digits.fxnn --port pico --dry-run
If anything fails, the board keeps what it had."""
)
@click.argument("network", metavar="NET.fxnn|MODEL.tflite", type=_EXISTING)
@click.option("--port", metavar="auto|PORT|pico", default="auto", show_default=True,
              help="auto finds the board, PORT is its serial port, pico the emulated Pico (it keeps its flash).")  # fmt: skip
@click.option("--labels", metavar="FILE", type=_EXISTING, help="For a .tflite: text file with a label a line.")
@click.option(
    "--main",
    "program",
    is_flag=True,
    help="Also copy boot.py and main.py; different ones on the board are kept as *.bak.",
)
@click.option("--source", is_flag=True, help="Copy the device package as .py instead of compiled .mpy.")
@click.option(
    "--all-kernels", is_flag=True, help="Copy the kernels of every op, not only those that this network uses."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan and the result as JSON.")
def deploy(network, port, labels, program, source, all_kernels, dry_run, as_json):
    """Puts a network and the device package on a board, tests them there, then switches over."""
    from ..boards.deploy import Deployment, show_plan, show_result
    from ..boards.open_board import open_board
    from ..errors import ToolError
    from ..fileformat.packed import read_file

    # What is wrong with the file is told before a board is looked for.
    texts = ()
    if network.suffix == ".tflite":
        from ..compiler.convert import convert, read_labels
        from ..files import read_file as read_bytes

        texts = read_labels(labels) if labels else ()
        convert(read_bytes(network), network.stem, labels=texts, selftest=0)
    elif labels:
        raise ToolError(
            "--labels is for a .tflite file", "a .fxnn file has its own", "leave it out, or deploy the .tflite"
        )
    else:
        read_file(network)
    started = time.monotonic()
    with _waiting("looking for the board") as status, open_board(port) as board:
        status("comparing files")
        deployment = Deployment(board, network, program=program, source=source, labels=texts, all_kernels=all_kernels)
        plan = deployment.plan
        status(None)
        if not as_json:
            show_plan(plan, board.port, _console())
        deployment.check_fits()
        result = None
        if not dry_run:
            with _bar("copying", plan.copy_bytes, "bytes") as advance_to:
                done = 0

                def on_bytes(count):
                    nonlocal done
                    done += count
                    advance_to(done)

                result = deployment.carry_out(on_bytes, lambda text: advance_to(done, text))
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        _print_json({**plan.as_dict(), "port": board.port, "dry_run": dry_run, "selftest": result, "seconds": seconds})
    elif result:
        show_result(plan, result, seconds, _console())


@cli.command(
    epilog="""\
Examples:
  fxnn boards
  fxnn boards --port /dev/ttyACM0 --json"""
)
@click.option("--port", metavar="auto|PORT|pico", default="auto", show_default=True, help="auto: every board on USB.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def boards(port, as_json):
    """Lists the boards that are plugged in: firmware, architecture, free RAM and flash. Restarts the program they run."""
    from ..boards import plugged_in
    from ..boards.find_port import seen_text
    from ..errors import ToolError

    with _waiting("asking the boards"):
        found = plugged_in.find(port)
    if as_json:
        _print_json([board.as_dict() for board in found])
    elif found:
        plugged_in.show(found, _console())
    if not found:
        raise ToolError(
            "no board found", seen_text(), "plug one in with a cable that carries data; an emulated one: --port pico"
        )
    return 0 if all(board.facts for board in found) else 1


@cli.command(
    epilog="""\
Examples:
  fxnn flash --board pico                             a Pico in its bootloader, or one that runs MicroPython
  fxnn flash --board esp32s3 ESP32_GENERIC_S3.bin --dry-run
  fxnn flash --board esp32 ESP32_GENERIC.bin --erase  a board that never ran MicroPython"""
)
@click.argument("firmware", metavar="[FIRMWARE]", type=_EXISTING, required=False)
@click.option(
    "--board", type=click.Choice(["pico", "esp32", "esp32s3", "esp32c3"]), required=True, help="What the board is."
)
@click.option("--port", metavar="auto|PORT", default="auto", show_default=True, help="auto finds the board.")
@click.option("--erase", is_flag=True, help="ESP32: erase everything first, your files too.")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@click.option("--dry-run", is_flag=True, help="Check everything but the chip, and print the command.")
def flash(firmware, board, port, erase, yes, dry_run):
    """Puts MicroPython on a board: a .uf2 file on a Pico, a .bin file on an ESP32. Files on it stay, unless --erase."""
    from ..boards import flashing

    ready = flashing.prepare(board, firmware, port, erase, dry_run)
    where = f" on {ready.port}" if ready.port and ready.port != flashing.NO_PORT else ""
    click.echo(f"{ready.firmware.name}, {len(ready.data):,} bytes, for the {ready.chip.title}{where}")
    click.echo(f"  {ready.command}")
    if dry_run:
        if ready.port == flashing.NO_PORT:
            place = (
                "PORT stands for its port"
                if ready.chip.esp
                else "RPI-RP2 stands for the drive that it shows with BOOTSEL held"
            )
            click.echo(f"no board is plugged in: {place}")
        return
    if erase and not yes:
        click.confirm("Everything on the board is erased, your files too. Go on?", abort=True)
    flashing.carry_out(ready, lambda text: click.echo(f"{text} ..."))
    click.echo("done; the board restarts with MicroPython: fxnn boards")


def _print_json(value) -> None:
    click.echo(json_module.dumps(value, indent=2))


def _console(stderr: bool = False):
    from rich.console import Console

    # Not a terminal: wide enough that no table is cut.
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() or stderr else 160)


@contextmanager
def _waiting(text: str):
    """A spinner on stderr while something takes its time; call what it yields with a new text, or None to stop it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    status = _console(stderr=True).status(text)
    status.start()
    try:
        yield lambda new: status.stop() if new is None else status.update(new)
    finally:
        status.stop()


@contextmanager
def _bar(text: str, total: int, unit: str = ""):
    """A progress bar on stderr, from the second second on; call what it yields with the amount done."""
    if not sys.stderr.isatty() or not total:
        yield lambda done, text=None: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed}/{task.total} " + unit),
    ]
    with Progress(*columns, TimeRemainingColumn(), console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total, visible=False)
        started = time.monotonic()

        def advance_to(done, text=None):
            visible = time.monotonic() - started > 1
            progress.update(task, completed=done, visible=visible, **({"description": text} if text else {}))

        yield advance_to


from . import quantize, report  # noqa: E402, F401  (their commands register themselves)
