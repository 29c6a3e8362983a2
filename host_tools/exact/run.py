"""Runs a packed network with NumPy, from its records: the host's exact kernels (`models/FORMAT.md`).

One byte array is the arena, as on the board, so that a wrong memory plan shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import ToolError
from ..fileformat.extents import scratch_bytes
from ..fileformat.packed import OpRecord, Packed, TensorEntry
from ..record import BY_NAME, RECORD, View, view

# The arena starts with this byte, not with 0, so that reading what no op has written gives wrong answers.
UNWRITTEN = 0xA5

Kernel = Callable[[View, np.ndarray, np.ndarray], None]  # (record, arena, constants)
OnOp = Callable[[int, np.ndarray], None]  # (index of the op that has run, arena)


def _of_family(kernel: str, name: str) -> Any:
    """What the file of this kernel's family calls `name`."""
    return getattr(import_module(f".{BY_NAME[kernel].family}", __package__), name)


# Every kernel of the schema: the function of its name in the file of its family.
KERNELS: Mapping[str, Kernel] = {name: _of_family(name, name) for name in BY_NAME}


def run(
    packed: Packed,
    inputs: list[np.ndarray],
    on_op: OnOp | None = None,
    state: list[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The network's raw outputs, one array for each output tensor in its shape and dtype.

    inputs: raw arrays, in the order of packed.inputs; the shape may lack the batch, the number of elements must fit.
    on_op(index, arena) is called after every op; a copy is its own business. ToolError where an input does not fit.
    state: the variables' bytes (first_state), updated in place, where one inference follows another; None: a new net's.
    """
    if len(inputs) != len(packed.inputs):
        raise ToolError(f"{len(inputs)} inputs given", f"the network has {len(packed.inputs)}", "give one array each")
    arena = np.full(packed.arena_bytes, UNWRITTEN, np.uint8)
    for tensor, x in zip(packed.inputs, inputs):
        x = np.ascontiguousarray(x)
        if x.dtype != np.dtype(tensor.dtype) or x.nbytes != tensor.bytes:
            raise ToolError(
                f"input '{tensor.name}' given as {x.dtype} {x.shape}",
                f"the network takes {tensor.dtype} {tensor.shape}",
                "give the raw numbers in this shape",
            )
        arena[tensor.arena_offset : tensor.arena_offset + tensor.bytes] = x.reshape(-1).view(np.uint8)
    state = first_state(packed) if state is None else state
    for variable, value in zip(packed.variables, state):
        arena[variable.arena_offset : variable.arena_offset + value.size] = value
    for op in packed.ops:
        # The board's kernels fill their scratch while they read x: a plan that lets the two meet shows here.
        scratch = op.words[RECORD.scratch_offset]
        arena[scratch : scratch + scratch_bytes(op.kernel, op.words, op.fast_target)] = UNWRITTEN
        step(op, arena)()
        if on_op is not None:
            on_op(op.index, arena)
    for variable, value in zip(packed.variables, state):
        value[:] = arena[variable.arena_offset : variable.arena_offset + value.size]
    return [read_tensor(arena, tensor) for tensor in packed.outputs]


def step(op: OpRecord, arena: np.ndarray) -> Callable[[], None]:
    """The op on this arena as a call without arguments: its kernel, once, or once per piece of its constants."""
    kernel = KERNELS[op.kernel]
    calls = [(view(op.kernel, words), np.frombuffer(constants, np.uint8)) for words, constants in op.calls]

    def call() -> None:
        for record, constants in calls:
            kernel(record, arena, constants)

    return call


def first_state(packed: Packed) -> list[np.ndarray]:
    """The variables as they are when a network has been loaded, or reset."""
    return [np.frombuffer(v.value, np.uint8).copy() for v in packed.variables]


def read_tensor(arena: np.ndarray, tensor: TensorEntry) -> np.ndarray:
    """A copy of the tensor as it lies in the arena now."""
    raw = arena[tensor.arena_offset : tensor.arena_offset + tensor.bytes]
    return raw.copy().view(tensor.dtype).reshape(tensor.shape)


def weights(kernel: str, words: tuple[int, ...], constants: bytes) -> np.ndarray:
    """The weights of one call of a kernel whose constants can be cut (conv_2d, depthwise_conv_2d, fully_connected), -128 to
    127, in whatever layout they are stored; not in any one order."""
    return _of_family(kernel, "weights")(view(kernel, words), np.frombuffer(constants, np.uint8))
