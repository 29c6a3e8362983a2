"""`fxnn quantize` on files: data, sizes, the command line, Keras models of every form."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.measure import datasets, evaluate, quantize_file
from host_tools.quantizer import Options, quantize
from host_tools.readers import model as model_reader
from host_tools.readers import tflite
from tests.helpers.paths import DIGITS, PUBLIC_MODELS, ROOT
from tests.helpers.quantizing import network

F = np.float32


def test_without_data_it_refuses_and_shows_how(tmp_path):
    with pytest.raises(ToolError) as e:
        quantize_file.quantize_file(DIGITS / "digits_float.tflite", None, tmp_path / "d.fxnn")
    assert "--data" in str(e.value) and "np.savez" in str(e.value) and not list(tmp_path.iterdir())


def test_random_data_is_loud(tmp_path):
    done = quantize_file.quantize_file(DIGITS / "digits_float.tflite", "random", tmp_path / "d.fxnn")
    assert "WRONG" in done.notes[0] and (tmp_path / "d.fxnn").exists()


@pytest.mark.parametrize("text, size", [("40k", 40960), ("1.5M", 1572864), ("40000", 40000)])
def test_sizes(text, size):
    from host_tools.cli.options import Bytes

    assert Bytes()(text) == size


def test_the_command_line(tmp_path):
    run = [sys.executable, "-m", "host_tools"]
    made = subprocess.run([*run, "quantize", "models/digits/digits_float.tflite", "--data", "models/digits/calibration.npz", "-o",
                           str(tmp_path / "d.fxnn"), "--samples", "200"], cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert made.returncode == 0 and "chosen: ranges:" in made.stdout and "200 samples" in made.stdout, made.stderr
    measured = subprocess.run([*run, "evaluate", str(tmp_path / "d.fxnn"), "--data", "models/digits/test.npz", "--against",
                               "models/digits/digits_float.tflite"], cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert measured.returncode == 0 and "99." in measured.stdout and "same best output" in measured.stdout, (
        measured.stderr
    )
    refused = subprocess.run([*run, "quantize", "models/digits/digits_float.tflite", "-o", str(tmp_path / "e.fxnn")], cwd=ROOT,
                             capture_output=True, text=True)  # fmt: skip
    assert (
        refused.returncode == 1 and "calibration data is needed" in refused.stderr and "Traceback" not in refused.stderr
    )


def test_keras_without_tensorflow_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('none here', name='tensorflow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("FXNN_KERAS_PYTHON", raising=False)
    (tmp_path / "m.keras").write_bytes(b"")
    with pytest.raises(ToolError, match="which is not installed") as e:
        model_reader.read_model(tmp_path / "m.keras")
    assert "pip install tensorflow" in str(e.value)


@pytest.mark.parametrize(
    "name, message", [("m.onnx", "README"), ("folder", "no SavedModel"), ("m.tflite", "cannot read")]
)
def test_other_models_are_refused(name, message, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "m.onnx").write_bytes(b"")
    with pytest.raises(ToolError, match=message):
        model_reader.read_model(tmp_path / name)


def _keras_python():
    """A Python that has TensorFlow, or None."""
    if os.environ.get("FXNN_KERAS_PYTHON"):
        return os.environ["FXNN_KERAS_PYTHON"]
    return sys.executable if importlib.util.find_spec("tensorflow") else None


MAKE_KERAS = """
import sys, keras, numpy as np
keras.utils.set_random_seed(0)
image = keras.Input((8, 8, 1))
x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, use_bias=False)(image))
x = keras.layers.Dropout(0.1)(keras.layers.ReLU()(x))
x = keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(x))
model = keras.Model(image, x)
bn = model.layers[2]
bn.set_weights([np.random.default_rng(i).uniform(0.5, 2, 8) for i in range(4)])
model.save(sys.argv[1] + "/m.keras"); model.save(sys.argv[1] + "/m.h5"); model.export(sys.argv[1] + "/saved")
x = np.random.default_rng(0).random((64, 8, 8, 1), np.float32)
np.savez(sys.argv[1] + "/data.npz", x0=x, targets=model.predict(x, verbose=0))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    _keras_python() is None, reason="TensorFlow is not installed (FXNN_KERAS_PYTHON names a Python that has it)"
)
def test_keras_models_of_every_form(tmp_path, monkeypatch):
    monkeypatch.setenv("FXNN_KERAS_PYTHON", _keras_python())
    subprocess.run([_keras_python(), "-c", MAKE_KERAS, str(tmp_path)], check=True, capture_output=True)
    for name in ("m.keras", "m.h5", "saved"):
        done = quantize_file.quantize_file(tmp_path / name, tmp_path / "data.npz", tmp_path / "m.fxnn")
        assert done.conversion.records == 3  # conv with its batch norm and RELU, dense, softmax
        net = evaluate.open_network(tmp_path / "m.fxnn")
        data = datasets.read(tmp_path / "data.npz", net.input_shapes)
        real = evaluate.evaluate(evaluate.open_network(tmp_path / name), data)["figures"]
        assert real["max_error"] < 1e-5  # our float graph is Keras'
        assert evaluate.evaluate(net, data)["figures"]["max_error"] < 0.05
    (tmp_path / "bad.keras").write_bytes(b"not a model")
    with pytest.raises(ToolError, match="TensorFlow cannot convert"):
        model_reader.read_model(tmp_path / "bad.keras")


MAKE_BOTH = """
import sys, numpy as np, keras, tensorflow as tf
keras.utils.set_random_seed(0)
L = keras.layers
def unet(x):
    wide = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    deep = L.Conv2D(12, 3, padding="same", activation="relu")(L.MaxPooling2D()(wide))
    up = L.PReLU(shared_axes=[1, 2], alpha_initializer=keras.initializers.Constant(0.2))(L.Conv2DTranspose(8, 3, strides=2, padding="same")(deep))
    return L.Conv2D(3, 1)(L.Concatenate()([up, wide, L.UpSampling2D(2, interpolation="bilinear")(deep)]))
def attention(x):
    x = L.Reshape((16, 12))(x)
    return L.Dense(5)(L.Flatten()(L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)]))))
def lstm(x):
    return L.Dense(5)(L.LSTM(10)(L.Reshape((16, 12))(x)))
data = np.random.default_rng(0).random((120, 8, 8, 3), np.float32)
np.savez(sys.argv[1] + "/cal.npz", x0=data[:100]); np.savez(sys.argv[1] + "/test.npz", x0=data[100:])
for build in unet, attention, lstm:
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, build(x)); model.save(f"{sys.argv[1]}/{build.__name__}.keras")
    if build is lstm:
        continue  # TensorFlow 2.21's converter ends with a segmentation fault
    x = keras.Input(batch_shape=(1, 8, 8, 3))
    c = tf.lite.TFLiteConverter.from_keras_model(keras.Model(x, model(x)))
    c.optimizations = [tf.lite.Optimize.DEFAULT]; c.representative_dataset = lambda: ([v[None]] for v in data[:100])
    c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]; c.inference_input_type = c.inference_output_type = tf.int8
    open(f"{sys.argv[1]}/{build.__name__}.tflite", "wb").write(c.convert())
"""


@pytest.mark.slow
@pytest.mark.skipif(
    _keras_python() is None, reason="TensorFlow is not installed (FXNN_KERAS_PYTHON names a Python that has it)"
)
def test_keras_networks_are_no_worse_than_tensorflows_conversion(tmp_path, monkeypatch):
    """A U-Net with a PReLU, attention, and an LSTM, which Keras 3 leaves as a loop. Noise against float, in dB."""
    monkeypatch.setenv("FXNN_KERAS_PYTHON", _keras_python())
    subprocess.run([_keras_python(), "-c", MAKE_BOTH, str(tmp_path)], check=True, capture_output=True)
    for name, least in (("unet", 35), ("attention", 25), ("lstm", 25)):
        quantize_file.quantize_file(tmp_path / f"{name}.keras", tmp_path / "cal.npz", tmp_path / f"{name}.fxnn")
        real = evaluate.open_network(tmp_path / f"{name}.keras")
        data = datasets.read(tmp_path / "test.npz", real.input_shapes)
        want = evaluate.answers(real, data)
        ours = evaluate.compare(evaluate.answers(evaluate.open_network(tmp_path / f"{name}.fxnn"), data), want)[
            "sqnr_db"
        ]
        assert ours > least, (name, ours)
        if (tmp_path / f"{name}.tflite").exists():
            theirs = evaluate.compare(evaluate.answers(evaluate.open_network(tmp_path / f"{name}.tflite"), data), want)[
                "sqnr_db"
            ]
            assert ours > theirs - 0.5, f"{name}: TensorFlow's {theirs:.1f} dB, ours {ours:.1f} dB"


MAKE_QAT = """
import sys, numpy as np, tensorflow as tf
fake = tf.quantization.fake_quant_with_min_max_args
class Trained(tf.Module):
    def __init__(self):
        self.w = tf.Variable(np.random.default_rng(0).normal(size=(64, 4)).astype("f") * 0.1)
    def run(self, x):
        return fake(tf.matmul(fake(x, 0.0, 1.0), fake(self.w, -0.4, 0.4, narrow_range=True)), -3.0, 3.0)
model = Trained()
model.call = tf.function(model.run, input_signature=[tf.TensorSpec((1, 64), tf.float32)])
tf.saved_model.save(model, sys.argv[1] + "/qat", signatures=model.call)
open(sys.argv[1] + "/qat.tflite", "wb").write(tf.lite.TFLiteConverter.from_saved_model(sys.argv[1] + "/qat").convert())
"""


@pytest.mark.slow
@pytest.mark.skipif(
    _keras_python() is None, reason="TensorFlow is not installed (FXNN_KERAS_PYTHON names a Python that has it)"
)
def test_a_qat_model_keeps_the_scales_of_its_training(tmp_path, monkeypatch):
    """Without data: the ranges are those that fake quantization was trained with, 0..1 and -3..3."""
    monkeypatch.setenv("FXNN_KERAS_PYTHON", _keras_python())
    subprocess.run([_keras_python(), "-c", MAKE_QAT, str(tmp_path)], check=True, capture_output=True)
    done = quantize_file.quantize_file(tmp_path / "qat", None, tmp_path / "q.fxnn")
    net = packed.read_file(tmp_path / "q.fxnn")
    assert done.quantized is None and "keeps its own scales" in done.lines()[0]
    assert (net.inputs[0].scale, net.inputs[0].zero_point) == (pytest.approx(1 / 255), -128)
    assert net.outputs[0].scale == pytest.approx(6 / 255)
    with pytest.raises(ToolError, match="fake quantization") as e:
        quantize_file.quantize_file(tmp_path / "qat.tflite", "random", tmp_path / "r.fxnn")
    assert "Optimize.DEFAULT" in str(e.value)


@pytest.mark.slow
@pytest.mark.skipif(not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here")
def test_public_float_network():
    """DS-CNN without its data set: inputs like cepstra, smooth in time and frequency. Against float, not against truth."""
    random = np.random.default_rng(0)
    x = random.normal(size=(160, 57, 14, 1))
    for axis, length in ((1, 9), (2, 5)):
        x = np.apply_along_axis(np.convolve, axis, x, np.ones(length) / length**0.5, "valid")
    x = (x * np.linspace(40, 5, 10)[:, None]).astype(F)
    graph = tflite.read((PUBLIC_MODELS / "kws_dscnn_float32.tflite").read_bytes(), "kws")
    made = quantize(graph, [x[:128]], Options(ranges="mse"))
    data = datasets.Dataset((x[128:],))
    got = evaluate.answers(network(made.graph), data)
    want = evaluate.answers(evaluate.Network("float", made.real), data)
    figures = evaluate.compare(got, want)
    assert figures["sqnr_db"] > 18 and figures["agreement"] >= 0.95, figures


def test_samples_that_are_all_the_same_are_refused():
    graph = tflite.read((DIGITS / "digits_float.tflite").read_bytes(), "digits")
    with pytest.raises(ToolError, match="all 50 samples"):
        quantize(graph, [np.zeros((50, 8, 8, 1), F)])


def test_a_packed_network_is_not_quantized_again(tmp_path):
    with pytest.raises(ToolError, match="packed already"):
        quantize_file.quantize_file(DIGITS / "digits.fxnn", "random", tmp_path / "d.fxnn")
