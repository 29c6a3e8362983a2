"""Where things lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ROOT / "device"
STUBS = ROOT / "tests/stubs"  # what device code imports of MicroPython's own modules, for CPython
SCRIPTS = ROOT / "tests/micropython"  # scripts that run on a board
KEPT = ROOT / "tests/kept"  # figures that tests hold new ones against
DIGITS = ROOT / "models/digits"
PUBLIC_MODELS = ROOT.parent / "shared/models"  # the public networks, where they are at hand
