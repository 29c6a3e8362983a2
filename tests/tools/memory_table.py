"""The tables of docs/memory.md: RAM and flash by network, arena and cycles by --prefer.

    python -m tests.tools.memory_table --write    # measures, and rewrites them

The figures of the second, measured on the virtual Pico, are kept in tests/kept/memory_time.json.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile

from host_tools.compiler import convert
from host_tools.fileformat import packed, ram
from host_tools.targets import open_target
from tests.helpers.paths import KEPT, PUBLIC_MODELS, ROOT

NETWORKS = {
    "digits": ROOT / "models/digits/digits.tflite",
    "DS-CNN": PUBLIC_MODELS / "kws_dscnn_int8.tflite",
    "ResNet-8": PUBLIC_MODELS / "ic_resnet8_int8.tflite",
    "autoencoder": PUBLIC_MODELS / "ad_autoencoder_int8.tflite",
    "MobileNet VWW": PUBLIC_MODELS / "vww_mobilenet_int8.tflite",
}
PAGE = ROOT / "docs/memory.md"
FIGURES = KEPT / "memory_time.json"
PREFER = {"--prefer ram": {"prefer": "ram"}, "--no-stripes": {"prefer": "ram", "striped": False}, "default": {},
          "--prefer speed": {"prefer": "speed"}}  # fmt: skip
START = "<!-- memory: written by `python -m tests.tools.memory_table --write` -->\n"
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


TIME_START = "<!-- arena and cycles: written by `python -m tests.tools.memory_table --write` -->\n"
TIME_HEAD = """\
| network | TFLM's arena | `--prefer ram` | default | `--prefer speed` |
|---|---|---|---|---|
"""


def convert_preferring(name: str, how: str) -> packed.Packed:
    """The network converted with a key of PREFER."""
    path = NETWORKS[name]
    return packed.read(convert.convert_bytes(path.read_bytes(), path.stem, selftest=0, **PREFER[how]))


def measure(name: str, how: str) -> dict:
    """{"arena": bytes, "cycles": of one inference on the virtual Pico; None: more than its heap}."""
    network = convert_preferring(name, how)
    cycles = None
    if network.arena_bytes < 190_000:
        with open_target("pico") as pico:
            cycles = sum(op.cycles for op in pico.profile(network).ops)
    return {"arena": network.arena_bytes, "cycles": cycles}


def measure_all() -> dict:
    """What FIGURES holds: of each public network TFLM's arena and measure() of each way that gives another plan."""
    figures: dict = {}
    for name in list(NETWORKS)[1:]:
        figures[name] = {"tflm": tflm_arena_bytes(NETWORKS[name].read_bytes())}
        for how in PREFER:
            if (
                how == "--no-stripes"
                and convert_preferring(name, how).arena_bytes == figures[name]["--prefer ram"]["arena"]
            ):
                continue  # no stripes there
            figures[name][how] = measure(name, how)
            print(name, how, figures[name][how], file=sys.stderr)
    return figures


def time_table(figures: dict) -> str:
    """The page's table of arena and cycles."""

    def cell(found: dict, unit: str = "") -> str:
        cycles = f"{found['cycles'] / 1e6:.2f} M" if found["cycles"] else "more than a Pico has"
        return f"{found['arena']:,}{unit}, {cycles}"

    lines = []
    for name, row in figures.items():
        least = cell(row["--prefer ram"], " bytes") + (" cycles" if not lines else "")
        if "--no-stripes" in row:
            least += f" ({cell(row['--no-stripes'])} with `--no-stripes`)"
        lines.append(
            f"| {name} | {row['tflm']:,} | {least} | {cell(row['default'])} | {cell(row['--prefer speed'])} |\n"
        )
    return TIME_START + TIME_HEAD + "".join(lines) + END


def main() -> None:
    FIGURES.write_text(json.dumps(measure_all(), indent=2) + "\n")
    text = PAGE.read_text()  # now: measuring takes minutes
    for first, new in ((TIME_START, time_table(json.loads(FIGURES.read_text()))), (START, table())):
        start = text.index(first)
        end = text.index(END, start) + len(END)
        text = text[:start] + new + text[end:]
    PAGE.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("give --write to rewrite the tables of docs/memory.md")
    main()
