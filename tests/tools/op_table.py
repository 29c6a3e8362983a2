"""Which ops are there, and on which targets models of each gave the reference's bits: the table of docs/ops.md, written by a run.

    python -m tests.tools.op_table --run      # runs models of every op on every target, writes tests/kept/op_targets.json
    python -m tests.tools.op_table --write    # the page's table from that file
    python -m tests.tools.op_table            # prints the table

`--run --on host ref` runs only these targets and keeps what the file says of the others. A run stops at the first
difference. tests/host/house/test_op_table.py holds the page against the file, and the file against what can be converted.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path

import numpy as np

from tests.helpers.paths import KEPT, ROOT

PAGE = ROOT / "docs/ops.md"
RESULTS = KEPT / "op_targets.json"
BEGIN, END = "<!-- ops: written by `python -m tests.tools.op_table --write` -->", "<!-- end of ops -->"
SEED = 20261122
MODELS = {"host": 20, "ref": 4, "unix": 8, "pico": 2, "qemu-rv32": 4}  # of each strategy
# what a converter leaves between two QUANTIZE ops: shapes, and numbers that are folded
_FOLDED = ("SHAPE", "RANK", "RANGE", "BROADCAST_ARGS", "REDUCE_PROD", "ZEROS_LIKE")


def kinds(tflite: bytes) -> tuple[set[str], str]:
    """(the op kinds of a model, "int8" or "int16x8")."""
    from host_tools.readers import tflite as reader

    graph = reader.read(tflite, "model")
    wide = any(graph.tensors[i].dtype == "int16" for i in (*graph.inputs, *graph.outputs))  # not states of int8 ops
    return {op.kind for op in graph.ops}, "int16x8" if wide else "int8"


def generated(count: int, ops=None):
    """(case, packed model) of `count` models of each strategy, or of `ops`, that the converter takes."""
    from host_tools.compiler import convert
    from host_tools.errors import ToolError
    from tests import draw

    for op in ops or draw.OPS | draw.STATEFUL:
        for case in draw.generate(op, count, SEED):
            try:
                yield case, convert.convert_bytes(case.tflite, case.name, selftest=0)
            except ToolError:
                continue


def run(target: str, ops=None) -> dict[str, dict[str, int]]:
    """{kind: {precision: models that gave the reference's bits}} on a target. AssertionError at the first difference."""
    from host_tools.fileformat import packed
    from tests.helpers import batch

    cases = list(generated(MODELS[target], ops))
    inputs = [(model, case.inputs) for case, model in cases]
    with tempfile.TemporaryDirectory() as folder:
        if target == "host":
            answers = [_host(packed.read(model), case) for case, model in cases]
        elif target == "ref":
            answers = batch.run_ref(inputs, Path(folder))
        elif target == "unix":
            answers = batch.run_unix(inputs, Path(folder))
        elif target == "pico":
            answers = []
            for at in range(0, len(inputs), 60):  # the board's flash is small
                answers += batch.run_pico(inputs[at : at + 60])
        else:
            answers = batch.run_qemu_rv32(inputs)
    found: dict[str, dict[str, int]] = {}
    for (case, _), answer in zip(cases, answers):
        want = b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs)
        assert answer == want, f"{case} on {target}: {answer[:80]!r}"
        names, precision = kinds(case.tflite)
        for kind in names:
            entry = found.setdefault(kind, {})
            entry[precision] = entry.get(precision, 0) + 1
    assert found
    return found


def _host(network, case) -> bytes:
    """The outputs of the host's kernels, of all inferences in a row."""
    from host_tools.exact import run as exact

    state = exact.first_state(network)
    return b"".join(y.tobytes() for frame in case.frames for y in exact.run(network, frame, state=state))


def load() -> dict[str, dict[str, dict[str, int]]]:
    """{target: {kind: {precision: models}}} of the last run."""
    return json.loads(RESULTS.read_text())


def table(results=None) -> str:
    """The table in Markdown: ops of one reference that were exact on the same targets share a row."""
    from host_tools.ops import lowering as lower
    from tests import draw

    results = results or load()
    own = set(lower.supported()) - {"TABLE"}
    everything = {kind for found in results.values() for kind in found if kind not in _FOLDED}

    def targets(kind: str, precision: str) -> tuple[str, ...]:
        return tuple(t for t in MODELS if precision in results.get(t, {}).get(kind, {}))

    groups: dict[tuple, list[str]] = {}
    islands = []
    for kind in sorted(everything):
        if kind not in own:
            islands.append(kind)
            continue
        reference = "LiteRT" if kind.lower() in draw.LITERT else "TFLM"
        groups.setdefault((targets(kind, "int8"), targets(kind, "int16x8"), reference), []).append(kind)

    def text(names: tuple[str, ...]) -> str:
        return "all five" if len(names) == len(MODELS) else ", ".join(names) or "no"

    lines = ["| op | int8: exact on | int16x8: exact on | reference |", "|---|---|---|---|"]
    for (int8, int16, reference), names in sorted(groups.items(), key=lambda g: -len(g[1])):
        lines.append(f"| {', '.join(names)} | {text(int8)} | {text(int16)} | {reference} |")
    if islands:
        shared = tuple(t for t in MODELS if all(k in results.get(t, {}) for k in islands))
        lines.append(
            f"| {', '.join(islands)}: of floats between DEQUANTIZE and QUANTIZE, as one table | {text(shared)} | no | TFLM |"
        )
    counts = ", ".join(f"{t} {sum(sum(p.values()) for p in found.values()):,}" for t, found in results.items())
    lines += ["", f"All five: {', '.join(MODELS)}. Ops in models that were run: {counts}."]
    return "\n".join(lines)


def page() -> str:
    """docs/ops.md with the table that belongs there."""
    text = PAGE.read_text()
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.S)


def _sum(first: dict, second: dict) -> dict:
    """The counts of both."""
    total = {kind: dict(counts) for kind, counts in first.items()}
    for kind, counts in second.items():
        for precision, n in counts.items():
            entry = total.setdefault(kind, {})
            entry[precision] = entry.get(precision, 0) + n
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--on", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--ops", nargs="+", help="only these of tests/draw, new ones: their models are added to what the file says"
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.run:
        results = load() if RESULTS.exists() else {}
        for target in options.on:
            found = run(target, options.ops)
            print(f"{target}: {len(found)} kinds of op", flush=True)
            results[target] = found if not options.ops else _sum(results.get(target, {}), found)
            ordered = {t: dict(sorted(results[t].items())) for t in MODELS if t in results}
            RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
    if options.write:
        PAGE.write_text(page())
    elif not options.run:
        print(table())


if __name__ == "__main__":
    main()
