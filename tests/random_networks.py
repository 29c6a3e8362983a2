"""Random whole networks: ops composed into a graph with branches, residuals and several outputs.

    case = random_networks.build(seed)      # a strategies.Case, without outputs
    python -m tests.random_networks 17      # builds, converts and compares the network of seed 17

Scales are kept near each other (a QUANTIZE goes in where they drift), as in a trained network.
"""

from __future__ import annotations

import sys
from math import prod

import numpy as np

from tests import strategies as core
from tests.strategies import Case, RandomSource, Source
from tests.tflite_builder import Builder

ops = core.op_strategies

_MOST_VALUES = 1500  # of a tensor
_IMAGES = (core._conv_2d, core._depthwise_conv_2d, core._pool("max_pool_2d"), core._pool("average_pool_2d"),
           ops._resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
           ops._resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"), ops._space_to_batch_zero)  # fmt: skip
_ANY = (core._mean, core._fully_connected, core._reshape, core._expand_dims, core._pad("pad"), core._relu6,
        core._concatenation, core._add, core._mul, ops._transpose, ops._slice, ops._strided_slice, ops._split, ops._pack,
        ops._gather, ops._reverse, ops._mirror_pad, ops._reduction("REDUCE_MAX"), ops._reduction("SUM"), ops._sub,
        ops._extreme("MAXIMUM"), ops._squared_difference, ops._batch_norm, ops._select_v2, ops._broadcast_to,
        ops.TABLES["leaky_relu"], ops.TABLES["elu"], ops.TABLES["abs"], ops._rows_softmax)  # fmt: skip
_LAST = (core._softmax, core._logistic, core._tanh, ops.TABLES["hard_swish"], ops._arg("ARG_MAX"), ops._log_softmax,
         ops._l2_normalization)  # fmt: skip


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
    current = core._input(s, b, shape, x, {"scale": s.scale(-7, -2), "zero_point": s.zero_point()})
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
            if op is core._mean and len(t.shape) < 2:
                continue
            if op in (ops._reduction, ops._gather) and len(t.shape) > 4:
                continue
            try:
                made = op(s, b, x, current)
            except (IndexError, ValueError, AssertionError, ZeroDivisionError):  # a shape that the op does not take
                continue
            names.append(getattr(op, "__name__", "op"))
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
        alive.append(s.choice(_LAST)(s, b, x, final))
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
    return list(core.expected(build(seed)).outputs)


if __name__ == "__main__":
    from host_tools.compiler import convert
    from host_tools.exact import run as exact
    from host_tools.fileformat import packed

    for text in sys.argv[1:]:
        case = core.expected(build(int(text)))
        got = exact.run(packed.read(convert.convert_bytes(case.tflite)), list(case.inputs))
        print(core.difference(case, got) or f"{case}: equal")
