"""RV32IMC: kernels for the ESP32-C3 and the RP2350's RISC-V cores. `prepare` is what they need in a record; the other
modules write device/fxnn/rv32/*.py, unrolled and scheduled, from one description per family:

    python -m host_tools.assembler.rv32 [FAMILY ...]             write them
    python -m host_tools.assembler.rv32 --check [FAMILY ...]     say whether they are up to date

What is written is plain @micropython.asm_rv32 source with its comments, meant to be read; edit the description.
"""

# Family: the module here that describes it, with a function file() -> text. What it writes in device/fxnn.
FILES = {
    "conv": "rv32/conv.py",
    "depthwise": "rv32/depthwise.py",
    "dense": "rv32/dense.py",
    "elementwise": "rv32/elementwise.py",
    "lookup": "rv32/lookup.py",
    "move": "rv32/move.py",
}
