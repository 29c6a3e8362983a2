"""make bench: cycles of five layers and of the public networks on the virtual Pico, with each backend.

    python -m tests.tools.bench            measures, prints the table of docs/benchmarks.md and what has changed
    python -m tests.tools.bench --write    and keeps the figures in tests/kept/bench.json, which a test holds new ones against

The layers are those on which vendors' C kernels were measured: random weights and inputs, no activation, everything
included (dispatch, padding, packing, requantization). Cycles are counted by the board's SysTick and repeat exactly.
"""

from __future__ import annotations

import datetime
import json
import sys

import numpy as np

from host_tools.compiler import convert
from host_tools.fileformat import packed
from host_tools.targets import open_target
from tests.helpers.paths import KEPT, PUBLIC_MODELS, ROOT
from tests.helpers.tflite_builder import Builder

PAGE = ROOT / "docs/benchmarks.md"
FIGURES = KEPT / "bench.json"
BACKENDS = ("thumb", "viper")

# name: (rows, columns, channels in and out, kernel rows and columns, stride, padding)
LAYERS = {
    "conv 3x3, 16x16x16 to 16": (16, 16, 16, 16, 3, 3, 1, "SAME"),
    "conv 1x1, 25x5x64 to 64": (25, 5, 64, 64, 1, 1, 1, "VALID"),
    "depthwise 3x3, 25x5x64": (25, 5, 64, 64, 3, 3, 1, "SAME"),
    "fully connected, 640 to 128": (1, 1, 640, 128, 1, 1, 1, ""),
    "conv 10x4, stride 2, 49x10 to 64": (49, 10, 1, 64, 10, 4, 2, "SAME"),
}
NETWORKS = {
    "DS-CNN, keyword spotting": "kws_dscnn_int8.tflite",
    "ResNet-8, image classification": "ic_resnet8_int8.tflite",
}


def layer(name: str) -> bytes:
    """The .tflite of one layer; its outputs fill the range of an int8."""
    rows, columns, in_c, out_c, kernel_h, kernel_w, stride, padding = LAYERS[name]
    random = np.random.default_rng(list(LAYERS).index(name))
    depthwise, dense = name.startswith("depthwise"), name.startswith("fully")
    products = kernel_h * kernel_w * (1 if depthwise else in_c)

    def weights(*shape):
        return np.clip(np.round(random.normal(0, 36, shape)), -127, 127).astype(np.int8)

    b = Builder()
    bias = random.integers(-3000, 3000, out_c).astype(np.int32)
    scales = [float(np.float32(s)) for s in random.uniform(0.007, 0.013, out_c)]  # a multiplier a channel
    y = {"scale": float(np.float32(0.05 * 0.01 * 74 * 36 * np.sqrt(products) / 45)), "zero_point": -5}
    if dense:
        x = b.input((1, in_c), scale=0.05, zero_point=-7)
        w = b.constant(weights(out_c, in_c), 0.01)
        return b.finish([b.fully_connected(x, w, b.constant(bias, 0.05 * 0.01), **y)])
    x = b.input((1, rows, columns, in_c), scale=0.05, zero_point=-7)
    biases = b.constant(bias, [0.05 * s for s in scales])
    how = {"stride": (stride, stride), "padding": padding, **y}
    if depthwise:
        w = b.constant(weights(1, kernel_h, kernel_w, out_c), scales, axis=3)
        return b.finish([b.depthwise_conv_2d(x, w, biases, **how)])
    return b.finish([b.conv_2d(x, b.constant(weights(out_c, kernel_h, kernel_w, in_c), scales), biases, **how)])


def model(name: str) -> bytes | None:
    """The .tflite of a layer or network; None where the network is not here."""
    if name in LAYERS:
        return layer(name)
    path = PUBLIC_MODELS / NETWORKS[name]
    return path.read_bytes() if path.exists() else None


def measure(name: str, backend: str) -> dict | None:
    """{"cycles", "macs", "arena_bytes", "board"}; None where the network is not here."""
    tflite = model(name)
    if tflite is None:
        return None
    # A lone layer is converted for speed: "balanced" would keep it within TFLM's arena, inputs and outputs and little more.
    prefer = "speed" if name in LAYERS else "balanced"
    network = packed.read(convert.convert_bytes(tflite, name, selftest=0, prefer=prefer))
    with open_target("pico") as pico:
        pico.backend = backend
        profile = pico.profile(network)
    assert profile.backend == backend and all(op.cycles for op in profile.ops)
    return {
        "cycles": sum(op.cycles for op in profile.ops),
        "macs": sum(op.macs for op in profile.ops),
        "arena_bytes": network.arena_bytes,
        "board": profile.board,
    }


def table(figures: dict) -> str:
    """The Markdown table of docs/benchmarks.md."""
    lines = ["| | MACs | thumb, cycles | per MAC | viper, cycles | per MAC |", "|---|---|---|---|---|---|"]
    for name, row in figures["cycles"].items():
        macs = row["macs"]
        cells = [f"{row[b]:,} | {row[b] / macs:.2f}" if b in row else " | " for b in BACKENDS]
        lines.append(f"| {name} | {macs:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    old = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"cycles": {}}
    new: dict = {"board": "", "date": datetime.date.today().isoformat(), "cycles": {}}
    for name in [*LAYERS, *NETWORKS]:
        row = dict(old["cycles"].get(name, {}))
        for backend in BACKENDS:
            found = measure(name, backend)
            if found is None:
                print(f"{name}: not measured, {NETWORKS[name]} is not in {PUBLIC_MODELS}", file=sys.stderr)
                continue
            before = row.get(backend)
            row.update({"macs": found["macs"], backend: found["cycles"]})
            new["board"] = found["board"]
            change = f"{100 * found['cycles'] / before - 100:+.1f} %" if before else "new"
            print(
                f"{name}, {backend}: {found['cycles']:,} cycles ({change}), arena {found['arena_bytes']:,}",
                file=sys.stderr,
            )
        if row:
            new["cycles"][name] = row
    print(f"{new['board']}, {new['date']}\n")
    print(table(new))
    if "--write" in sys.argv[1:]:
        FIGURES.write_text(json.dumps(new, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
