"""Writes device/fxnn/thumb/*.py: the kernels of the Cortex-M0+, unrolled from one description each.

    python -m host_tools.assembler.thumb [FAMILY ...]             write them
    python -m host_tools.assembler.thumb --check [FAMILY ...]     say whether they are up to date

What is written is plain @micropython.asm_thumb source with its comments, meant to be read; edit the description.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "device" / "fxnn"
# Family: the module here that describes it, with a function file() -> text. What it writes in FOLDER.
FILES = {
    "conv": "thumb/conv.py",
    "depthwise": "thumb/depthwise.py",
    "dense": "thumb/dense.py",
    "int4": "thumb/int4.py",
    "element": "thumb/elementwise.py",
    "add": "thumb/add.py",
    "pool": "thumb/pool.py",
    "window": "thumb/depthwise_window.py",
}


def text(family: str) -> str:
    """The device file of a family, as its description has it."""
    return import_module(f".{family}", __name__).file()
