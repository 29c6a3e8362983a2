"""Where a packed network can run: host, ref, unix, qemu-rv32, pico, or a board on a serial port, with one interface."""

from __future__ import annotations

from ..package.runner import Job, OpTime, Profile, RunStats
from .base import Target

NAMES = ("host", "ref", "unix", "qemu-rv32", "pico")

__all__ = ["NAMES", "Job", "OpTime", "Profile", "RunStats", "Target", "open_target"]


def open_target(name: str) -> Target:
    """The target called `name`; every other name is a serial port (`auto` looks for the one board there is).

    Use it in a `with`, which frees the board or the emulator.
    """
    # Imported here: each target needs packages of its own (numpy, pyserial, rp2040py), and `fxnn --help` none.
    if name == "host":
        from .host import HostTarget

        return HostTarget()
    if name == "ref":
        from .ref import RefTarget

        return RefTarget()
    if name == "unix":
        from .unix import UnixTarget

        return UnixTarget()
    if name == "qemu-rv32":
        from .qemu_rv32 import QemuRv32Target

        return QemuRv32Target()
    if name == "pico":
        from .pico import PicoTarget

        return PicoTarget()
    from .board import BoardTarget

    return BoardTarget(name)
