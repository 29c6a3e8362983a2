"""A trained model of any form, as bytes of a .tflite file: .tflite as it is; Keras' forms by TensorFlow, in float.

TensorFlow is slow to start, prints a lot and may not exist for this Python: it runs in a process of its own.
FXNN_KERAS_PYTHON names another Python that has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import ToolError
from ..ir import Graph
from . import tflite

KERAS = (".keras", ".h5", ".hdf5")
_TIMEOUT_S = 600
_BY_HAND = (
    'convert it where TensorFlow is: open("float.tflite", "wb").write(tf.lite.TFLiteConverter.from_keras_model(model)'
    ".convert()), and give fxnn float.tflite"
)


def read_model(path: str | Path) -> bytes:
    """The bytes of the .tflite form of the model at `path`.

    ToolError where it is no model, TensorFlow is missing, or TensorFlow refuses it.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / "saved_model.pb").exists():
            raise ToolError(
                f"{path} is no SavedModel",
                "there is no saved_model.pb in it",
                "give the folder that model.export() wrote",
            )
        return _by_tensorflow(path)
    if path.suffix.lower() in KERAS:
        return _by_tensorflow(path)
    if path.suffix.lower() in (".onnx", ".pt", ".pth", ".pb"):
        raise ToolError(f"{path} is no Keras or TensorFlow Lite model", "PyTorch and ONNX models come by way of .tflite",
                        "README.md, 'From PyTorch', shows how")  # fmt: skip
    try:
        return path.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {path}", e.strerror or str(e), "check the name") from None


def _by_tensorflow(path: Path) -> bytes:
    """The float form; of a model trained with fake quantization (QAT) the int8 form, with its own scales."""
    data = _run(path)
    return _run(path, "qat") if has_fake_quantization(tflite.read(data, path.name)) else data


def has_fake_quantization(graph: Graph) -> bool:
    """Whether real activations are quantized and dequantized again: what is left of QAT in a float model."""
    quantized = {op.outputs[0] for op in graph.ops if op.kind == "QUANTIZE"}
    return any(op.kind == "DEQUANTIZE" and op.inputs[0] in quantized for op in graph.ops)


def _run(path: Path, *options: str) -> bytes:
    python = os.environ.get("FXNN_KERAS_PYTHON", sys.executable)
    script = Path(__file__).with_name("keras_to_tflite.py")
    with tempfile.TemporaryDirectory(prefix="fxnn-keras-") as folder:
        out = Path(folder) / "model.tflite"
        try:
            done = subprocess.run([python, str(script), str(path.resolve()), str(out), *options], capture_output=True, text=True,
                                  timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip
        except FileNotFoundError:
            raise ToolError(
                f"no program {python}", "FXNN_KERAS_PYTHON names it", "set it to a Python with tensorflow"
            ) from None
        except subprocess.TimeoutExpired:
            raise ToolError(f"TensorFlow needs more than {_TIMEOUT_S} s for {path}", fix=_BY_HAND) from None
        if out.exists():
            return out.read_bytes()
    last = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
    if last == "no tensorflow":
        raise ToolError("Keras models and SavedModels are read by TensorFlow, which is not installed",
                        f"looked for it with {python}", f"{sys.executable} -m pip install tensorflow; or {_BY_HAND}")  # fmt: skip
    raise ToolError(f"TensorFlow cannot convert {path}", last, _BY_HAND)
