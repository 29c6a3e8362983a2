"""README's table of RAM and flash by network, beside TensorFlow Lite Micro's: `python -m tests.memory_table --write`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from host_tools import convert, packed, ram

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_MODELS = ROOT.parent / "shared" / "models"
NETWORKS = {
    "digits": ROOT / "models/digits/digits.tflite",
    "DS-CNN": PUBLIC_MODELS / "kws_dscnn_int8.tflite",
    "ResNet-8": PUBLIC_MODELS / "ic_resnet8_int8.tflite",
    "autoencoder": PUBLIC_MODELS / "ad_autoencoder_int8.tflite",
    "MobileNet VWW": PUBLIC_MODELS / "vww_mobilenet_int8.tflite",
}
START = "<!-- memory: written by `python -m tests.memory_table --write` -->\n"
END = "<!-- end of memory -->\n"
HEAD = """\
| network | file | RAM, all of it in RAM | RAM, constants in an RP2's flash | least RAM, streamed | TFLM's arena | its .tflite |
|---|---|---|---|---|---|---|
"""


def tflm_arena_bytes(tflite: bytes) -> int:
    """Head and tail of TFLM's arena, from what its recording allocator prints to this process's stderr."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        tflite, arena_size=8 << 20, intrepreter_config=runtime.InterpreterConfig.kAllocationRecording
    )
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        log.seek(0)
        printed = log.read().decode()
    return int(re.search(r"Arena allocation total (\d+) bytes", printed).group(1))


def row(name: str) -> str:
    """One line of the table; the package's own heap, the same for every network, is left out."""
    path = NETWORKS[name]
    tflite = path.read_bytes()

    def network(**options) -> packed.Packed:
        return packed.read(convert.convert_bytes(tflite, path.stem, source=path.name, selftest=1, **options))

    auto, whole = network(), network(placing="ram")
    cut, least = network(placing="flash"), network(placing="flash", prefer="ram")
    figures = (
        len(auto.data),
        whole.resident_bytes + whole.arena_bytes,
        cut.records_bytes + cut.arena_bytes,
        least.records_bytes + least.arena_bytes + ram.longest_call(least),
        tflm_arena_bytes(tflite),
        len(tflite),
    )
    return f"| {name} | " + " | ".join(f"{n:,}" for n in figures) + " |\n"


def table() -> str:
    return START + HEAD + "".join(row(name) for name in NETWORKS) + END


def main() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text()
    start, end = text.index(START), text.index(END) + len(END)
    readme.write_text(text[:start] + table() + text[end:])


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("give --write to rewrite README's table")
    main()
