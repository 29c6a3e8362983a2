"""Random whole networks: ops composed into a graph with branches, residuals and several outputs.

    case = networks.build(seed)           # a Case, without outputs
    python -m tests.draw.networks 17      # builds, converts and compares the network of seed 17

Scales are kept near each other (a QUANTIZE goes in where they drift), as in a trained network.
"""

from __future__ import annotations

import sys
from math import prod

import numpy as np

from tests.draw import OPS, difference, expected, move, softmax
from tests.draw.core import Case, RandomSource, Source, int8_input
from tests.helpers.tflite_builder import Builder

_MOST_VALUES = 1500  # of a tensor
# What is drawn inside of a network: OPS, and two that start from a tensor only.
_INSIDE = OPS | {"space_to_batch_nd": move.space_to_batch_unpadded, "softmax_of_rows": softmax.softmax_of_rows}
_IMAGES = ("conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d", "resize_bilinear", "resize_nearest_neighbor",
           "space_to_batch_nd")  # fmt: skip
_ANY = ("mean", "fully_connected", "reshape", "expand_dims", "pad", "relu6", "concatenation", "add", "mul", "transpose",
        "slice", "strided_slice", "split", "pack", "gather", "reverse_v2", "mirror_pad", "reduce_max", "sum", "sub",
        "maximum", "squared_difference", "batch_norm", "select_v2", "broadcast_to", "leaky_relu", "elu", "abs",
        "softmax_of_rows")  # fmt: skip
_LAST = ("softmax", "logistic", "tanh", "hard_swish", "arg_max", "log_softmax", "l2_normalization")


def _calm(s: Source, b: Builder, t: int) -> int:
    """The tensor, behind a QUANTIZE where its scale has drifted."""
    scale = b.tensors[t].scales[0]
    if 2**-9 < scale < 1:
        return t
    return b.quantize(t, scale=s.scale(-6, -3), zero_point=s.zero_point())


def _network(s: Source, b: Builder, x: list) -> list[int]:
    s.moderate = True
    if s.boolean():
        shape = (1, s.integer(3, 9), s.integer(3, 9), s.integer(1, 6))
    else:
        shape = (1, s.integer(2, 12), s.integer(1, 8))
    current = int8_input(s, b, shape, x, {"scale": s.scale(-7, -2), "zero_point": s.zero_point()})
    alive, used, names = [current], set(), []
    for _ in range(s.integer(3, 10)):
        current = s.choice(alive[-3:])
        t = b.tensors[current]
        same = [i for i in alive if i != current and b.tensors[i].shape == t.shape]
        if same and s.integer(0, 2) == 0:  # a residual
            other = s.choice(same)
            larger = max(t.scales[0], b.tensors[other].scales[0])
            made = b.add(current, other, scale=float(np.float32(larger * s.scale(-1, 1))), zero_point=s.zero_point())
            used.add(other)
            names.append("residual")
        else:
            op = s.choice(_IMAGES * 3 + _ANY if len(t.shape) == 4 else _ANY)
            if op == "mean" and len(t.shape) < 2:
                continue
            if op == "gather" and len(t.shape) > 4:
                continue
            try:
                made = _INSIDE[op](s, b, x, current)
            except (IndexError, ValueError, AssertionError, ZeroDivisionError):  # a shape that the op does not take
                continue
            names.append(op)
        used.add(current)
        for m in made if isinstance(made, list) else [made]:
            shape = b.tensors[m].shape
            if prod(shape) <= _MOST_VALUES and len(shape) <= 4 and b.tensors[m].dtype == "int8" and shape:
                alive.append(_calm(s, b, m))
                if alive[-1] != m:
                    used.add(m)
            elif m not in alive:
                alive.insert(0, m)
    final = next(i for i in reversed(alive) if b.tensors[i].dtype == "int8" and b.tensors[i].shape)
    if final not in used and len(b.tensors[final].shape) in (2, 3, 4) and s.boolean():
        used.add(final)
        alive.append(_INSIDE[s.choice(_LAST)](s, b, x, final))
    s.note(ops=names)
    outputs = [i for i in dict.fromkeys(alive) if i not in used and i not in b.inputs]
    return outputs or [b.relu6(b.inputs[0])]


def build(seed: int) -> Case:
    """The network of a seed, with inputs."""
    source, b, x = RandomSource(f"network/{seed}"), Builder(), []
    outputs = _network(source, b, x)
    return Case(f"network/{seed}", "network", b.finish(outputs), tuple(x), {"ops": source.params["ops"]})


def outputs(seed: int) -> list[np.ndarray]:
    """What TFLM answers: for a process of its own, which it may take with it."""
    return list(expected(build(seed)).outputs)


if __name__ == "__main__":
    from host_tools.compiler import convert
    from host_tools.exact import run as exact
    from host_tools.fileformat import packed

    for text in sys.argv[1:]:
        case = expected(build(int(text)))
        got = exact.run(packed.read(convert.convert_bytes(case.tflite)), list(case.inputs))
        print(difference(case, got) or f"{case}: equal")
