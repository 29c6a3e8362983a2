"""Writes device/fxnn/xtensa_*.py: the kernels of the ESP32 and ESP32-S3, from one description each.

    python -m host_tools.assembler.xtensa [FAMILY ...]             write them
    python -m host_tools.assembler.xtensa --check [FAMILY ...]     say whether they are up to date

What is written names every instruction, with its comment and its cycles, and is meant to be read; edit the description.
mpy-cross lacks half of the instructions: `expand` assembles the functions before it sees them.
"""

# Family: the module here that describes it, with a function file() -> text. What it writes in device/fxnn.
FILES = {
    "conv": "xtensa_conv.py",
    "depthwise": "xtensa_depthwise.py",
    "dense": "xtensa_dense.py",
    "element": "xtensa_element.py",
    "window": "xtensa_window.py",
}
