"""Xtensa: kernels for the ESP32 and ESP32-S3. `prepare` is what they need in a record; the other modules write
device/fxnn/xtensa/*.py from one description per family, and assemble it (`expand`: mpy-cross lacks half of the
instructions):

    python -m host_tools.assembler.xtensa [FAMILY ...]             write them
    python -m host_tools.assembler.xtensa --check [FAMILY ...]     say whether they are up to date

What is written names every instruction, with its comment and its cycles, and is meant to be read; edit the description.
"""

# Family: the module here that describes it, with a function file() -> text. What it writes in device/fxnn.
FILES = {
    "conv": "xtensa/conv.py",
    "depthwise": "xtensa/depthwise.py",
    "dense": "xtensa/dense.py",
    "element": "xtensa/elementwise.py",
    "window": "xtensa/depthwise_window.py",
}
