"""TFLM's own account of its arena, from the lines that its recording allocator prints to stderr (of the process)."""

import re


def tflm_arena_bytes(tflite: bytes, capfd) -> int:
    """Head and tail in bytes. capfd: pytest's fixture."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        tflite, arena_size=8 << 20, intrepreter_config=runtime.InterpreterConfig.kAllocationRecording
    )
    capfd.readouterr()
    interpreter.print_allocations()
    printed = "".join(capfd.readouterr())
    return int(re.search(r"Arena allocation total (\d+) bytes", printed).group(1))
