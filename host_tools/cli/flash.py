"""The command `flash`."""

from __future__ import annotations

import click

from ..package.boards import FLASHED
from . import options
from .group import Command


@click.command(
    cls=Command,
    epilog="""\
Examples:
  fxnn flash --board pico                             a Pico in its bootloader, or one that runs MicroPython
  fxnn flash --board esp32s3 ESP32_GENERIC_S3.bin --dry-run
  fxnn flash --board esp32 ESP32_GENERIC.bin --erase  a board that never ran MicroPython""",
)
@click.argument("firmware", metavar="[FIRMWARE]", type=options.EXISTING, required=False)
@click.option("--board", type=click.Choice(list(FLASHED)), required=True, help="What the board is.")
@options.port("auto finds the board.", "auto|PORT")
@click.option("--erase", is_flag=True, help="ESP32: erase everything first, your files too.")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@click.option("--dry-run", is_flag=True, help="Check everything but the chip, and print the command.")
def flash(firmware, board, port, erase, yes, dry_run):
    """Puts MicroPython on a board: a .uf2 file on a Pico, a .bin file on an ESP32. Files on it stay, unless --erase."""
    from ..boards import flashing

    ready = flashing.prepare(board, firmware, port, erase, dry_run)
    where = f" on {ready.port}" if ready.port and ready.port != flashing.NO_PORT else ""
    click.echo(f"{ready.firmware.name}, {len(ready.data):,} bytes, for the {ready.board.chip}{where}")
    click.echo(f"  {ready.command}")
    if dry_run:
        if ready.port == flashing.NO_PORT:
            place = (
                "PORT stands for its port"
                if ready.board.esp
                else "RPI-RP2 stands for the drive that it shows with BOOTSEL held"
            )
            click.echo(f"no board is plugged in: {place}")
        return
    if erase and not yes:
        click.confirm("Everything on the board is erased, your files too. Go on?", abort=True)
    flashing.carry_out(ready, lambda text: click.echo(f"{text} ..."))
    click.echo("done; the board restarts with MicroPython: fxnn boards")
