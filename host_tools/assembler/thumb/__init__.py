"""Thumb: kernels for the Cortex-M0+ of the RP2040 and every other Cortex-M. `prepare` is what they need in a record; the
other modules write device/fxnn/thumb/*.py, unrolled, from one description per family:

    python -m host_tools.assembler.thumb [FAMILY ...]             write them
    python -m host_tools.assembler.thumb --check [FAMILY ...]     say whether they are up to date

What is written is plain @micropython.asm_thumb source with its comments, meant to be read; edit the description.
"""

# Family: the module here that describes it, with a function file() -> text. What it writes in device/fxnn.
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
