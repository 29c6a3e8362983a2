"""The trained model's own answers: TensorFlow Lite Micro (TFLM), or LiteRT's reference kernels where it is missing.

Both come from PyPI and are imported when the first Oracle is made, never before. TFLM is the definition of right.
Of 120 random models per op LiteRT 2.3's reference kernels differed at FULLY_CONNECTED (rounded once, in float64: 1 of
110 models, one apart) and at LOGISTIC and TANH (tables of its own: 1 of 8 models, in one or two of 256 values, one
apart, but 128 at input scales of 8 and more, where TFLM sends 0 to -128); they refuse a CONV_2D without a bias.
"""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass

import numpy as np

from ..errors import ToolError

INSTALL = f"{sys.executable} -m pip install --pre tflite-micro, or ... install ai-edge-litert"
# TFLM takes its arena from the heap of this process; its own rule is 10 times the file, too little for a small
# file with large activations. TFLM's bookkeeping is about 1 kB per op besides the activations.
ARENA_BYTES_PER_MODEL_BYTE = 10
MIN_ARENA_BYTES = 4 << 20
MAX_ARENA_BYTES = 1 << 30


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of the main subgraph as the .tflite file has it."""

    index: int
    name: str
    constant: bool
    handle: bool = False  # a resource variable's: no numbers, and reading them ends the process


class Oracle:
    """Runs one .tflite file. `name` says which kernels; `run` may be called again and again.

    arena_bytes: TFLM's arena, taken larger by itself until the model fits; only TFLM uses it.
    prefer: "tflm" or "litert"; None takes TFLM, else LiteRT.
    Raises ToolError when neither package is there, or when the kernels refuse the model.
    """

    def __init__(self, tflite: bytes, arena_bytes: int | None = None, prefer: str | None = None):
        self._tflite = bytes(tflite)
        self._arena_bytes = arena_bytes
        self._preserving = None
        makers = {"tflm": tflm_runtime, "litert": litert_interpreter}
        if prefer is not None and prefer not in makers:
            raise ToolError(f"no oracle named {prefer}", f"there are {', '.join(makers)}", "leave it out")
        order = [prefer] if prefer else list(makers)
        for key in order:
            module = makers[key]()
            if module is not None:
                self._engine = _Tflm(module, self._tflite, arena_bytes) if key == "tflm" else _LiteRt(module, tflite)
                self.key = key
                break
        else:
            missing = {"tflm": "tflite-micro", "litert": "ai-edge-litert"}
            raise ToolError(
                "no TensorFlow Lite kernels to compare with",
                f"{' and '.join(missing[k] for k in order)} {'is' if len(order) == 1 else 'are'} not installed",
                INSTALL,
            )

    @property
    def name(self) -> str:
        """The kernels' name for reports, such as "TensorFlow Lite Micro"."""
        return self._engine.name

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs, the batch dimension included."""
        return [tuple(int(d) for d in i["shape"]) for i in self._engine.inputs]

    @property
    def input_dtypes(self) -> list[np.dtype]:
        return [np.dtype(i["dtype"]) for i in self._engine.inputs]

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """The raw outputs for raw inputs, each in the shape of its tensor; fresh arrays.

        An input of the same number of elements and dtype but another shape (no batch dimension) is reshaped.
        """
        return self._engine.run(self._checked(inputs))

    def run_with_tensors(self, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """run(), and every tensor that an op wrote, by its name in the file, as these kernels left it.

        Slower and larger than run(): no tensor's memory is used again.
        """
        if self._preserving is None:
            self._preserving = self._engine.preserving(self._tflite, self._arena_bytes)
        outputs = self._preserving.run(self._checked(inputs))
        tensors = {}
        for info in tensor_infos(self._tflite):
            if not info.constant and not info.handle:
                value = self._preserving.tensor(info.index)
                if value is not None:
                    tensors[info.name] = value
        return outputs, tensors

    def _checked(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        shapes, dtypes = self.input_shapes, self.input_dtypes
        if len(inputs) != len(shapes):
            raise ToolError(f"{len(inputs)} inputs given", f"the model has {len(shapes)}", "give one array per input")
        checked = []
        for i, (x, shape, dtype) in enumerate(zip(inputs, shapes, dtypes)):
            x = np.asarray(x)
            if x.dtype != dtype or x.size != int(np.prod(shape, dtype=np.int64)):
                raise ToolError(
                    f"input {i} is {x.dtype} {tuple(x.shape)}",
                    f"the model takes {dtype} {shape}",
                    "give the raw numbers of the trained model's input",
                )
            checked.append(np.ascontiguousarray(x).reshape(shape))
        return checked


def tensor_infos(tflite: bytes) -> list[TensorInfo]:
    """The tensors of the main subgraph, read from the file itself."""
    from tflite.Model import Model
    from tflite.TensorType import TensorType

    model = Model.GetRootAs(bytes(tflite), 0)
    graph = model.Subgraphs(0)
    assert graph is not None  # the kernels took the model
    infos = []
    for i in range(graph.TensorsLength()):
        t = graph.Tensors(i)
        assert t is not None
        buffer = model.Buffers(t.Buffer())
        assert buffer is not None
        infos.append(
            TensorInfo(
                i, (t.Name() or b"").decode(errors="replace"), buffer.DataLength() > 0, t.Type() == TensorType.RESOURCE
            )
        )
    return infos


# ------------------------------------------------------------------------------------------------------------ TFLM


def tflm_runtime():
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError:
        return None
    return runtime


class _Tflm:
    name = "TensorFlow Lite Micro"

    def __init__(self, runtime, tflite: bytes, arena_bytes: int | None, preserve: bool = False):
        self._runtime = runtime
        kinds = runtime.InterpreterConfig
        config = kinds.kPreserveAllTensors if preserve else kinds.kAllocationRecording
        size = arena_bytes or max(MIN_ARENA_BYTES, len(tflite) * ARENA_BYTES_PER_MODEL_BYTE)
        while True:
            try:
                # The runtime prints a line about resource variables: not this program's output.
                with contextlib.redirect_stdout(io.StringIO()):
                    self._interpreter = runtime.Interpreter.from_bytes(
                        tflite, arena_size=size, intrepreter_config=config
                    )
                break
            except Exception as e:  # the binding raises RuntimeError, whatever went wrong; the log went to stderr
                # Too small an arena and a model that is refused look the same: refused is what stays after one retry.
                if size >= MIN_ARENA_BYTES * 16 or size * 16 > MAX_ARENA_BYTES:
                    raise ToolError(
                        "TensorFlow Lite Micro refuses the model",
                        f"{e}; its reason is on stderr (arena of {size} bytes)",
                        "check that every op is one it supports; a larger arena_bytes if it ran out of memory",
                    ) from None
                size *= 16
        self.arena_bytes = size
        self.inputs = self._details(self._interpreter.get_input_details, _count(tflite, "Inputs"))
        self.outputs = self._details(self._interpreter.get_output_details, _count(tflite, "Outputs"))

    @staticmethod
    def _details(getter, count: int) -> list[dict]:
        return [getter(i) for i in range(count)]

    def preserving(self, tflite: bytes, arena_bytes: int | None):
        return _Tflm(self._runtime, tflite, arena_bytes or self.arena_bytes, preserve=True)

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        for i, x in enumerate(inputs):
            self._interpreter.set_input(x, i)
        try:
            self._interpreter.invoke()
        except RuntimeError as e:
            raise ToolError("TensorFlow Lite Micro failed on the model", str(e), "its reason is on stderr") from None
        return [np.array(self._interpreter.get_output(i)) for i in range(len(self.outputs))]

    def tensor(self, index: int) -> np.ndarray | None:
        try:
            value = self._interpreter.GetTensor(index, 0)
        except RuntimeError:  # a tensor that no op uses has no memory
            return None
        return np.array(value["tensor_data"])


def _count(tflite: bytes, which: str) -> int:
    from tflite.Model import Model

    return getattr(Model.GetRootAs(tflite, 0).Subgraphs(0), which + "Length")()


# ---------------------------------------------------------------------------------------------------------- LiteRT


def litert_interpreter():
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        return None
    return interpreter


class _LiteRt:
    name = "LiteRT reference kernels"

    def __init__(self, module, tflite: bytes, preserve: bool = False):
        self._module = module
        try:
            self._interpreter = module.Interpreter(
                model_content=bytes(tflite),
                experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=preserve,
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            fix = "check that every op is one it supports"
            raise ToolError("LiteRT refuses the model", str(e).strip(), fix) from None
        self.inputs = self._interpreter.get_input_details()
        self.outputs = self._interpreter.get_output_details()

    def preserving(self, tflite: bytes, arena_bytes: int | None):
        return _LiteRt(self._module, tflite, preserve=True)

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        for x, info in zip(inputs, self.inputs):
            self._interpreter.set_tensor(info["index"], x)
        try:
            self._interpreter.invoke()
        except RuntimeError as e:
            raise ToolError("LiteRT failed on the model", str(e).strip(), "check the model") from None
        return [np.array(self._interpreter.get_tensor(info["index"])) for info in self.outputs]

    def tensor(self, index: int) -> np.ndarray | None:
        try:
            return np.array(self._interpreter.get_tensor(index))
        except ValueError:  # no data: a tensor that no op uses
            return None
