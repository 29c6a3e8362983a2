"""Networks that Keras trains and TFLiteConverter writes, converted and held against TensorFlow Lite Micro.

Needs TensorFlow: pip install -e '.[keras]'. LSTM(unroll=False) becomes UNIDIRECTIONAL_SEQUENCE_LSTM only with Keras 2
(tf_keras, of that extra too); from Keras 3 TensorFlow 2.21 makes a loop, and its quantizer crashes on it.
"""

import numpy as np
import pytest

from host_tools.compiler.convert import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests.helpers import batch

pytestmark = pytest.mark.slow
tf = pytest.importorskip("tensorflow", reason="pip install -e '.[keras]'")
keras = pytest.importorskip("tf_keras", reason="Keras 2: pip install tf_keras")
pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")
K = keras.layers
_SET = tf.lite.OpsSet


def model(shape, *layers):
    x = inputs = keras.Input(shape, batch_size=1)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def tflite(network, sixteen: bool = False, samples=None) -> bytes:
    """Full integer: int8, or 16x8."""
    random = np.random.default_rng(0)
    shape = network.inputs[0].shape
    samples = random.normal(size=(40, *shape[1:])).astype(np.float32) if samples is None else samples
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None]] for x in samples)
    name = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8" if sixteen else "TFLITE_BUILTINS_INT8"
    converter.target_spec.supported_ops = [getattr(_SET, name)]
    converter.inference_input_type = converter.inference_output_type = tf.int16 if sixteen else tf.int8
    return converter.convert()


def check(data: bytes, folder, inferences: int = 20) -> packed.Packed:
    """The network, exact on host over inferences in a row, on ref and unix over three of them."""
    network = packed.read(convert(data, "net").data)
    (t,) = network.inputs
    random, oracle = np.random.default_rng(1), Oracle(data)
    info = np.iinfo(t.dtype)
    frames = [random.integers(info.min, info.max + 1, t.shape).astype(t.dtype) for _ in range(inferences)]
    state = exact.first_state(network)
    want = [oracle.run([x])[0] for x in frames]
    assert len({y.tobytes() for y in want}) > inferences // 2
    for x, y in zip(frames, want):
        assert (exact.run(network, [x], state=state)[0] == y).all()
    expected = b"".join(y.tobytes() for y in want[:3])
    for run in (batch.run_ref, batch.run_unix):
        assert run([(network.data, frames[:3])], folder) == [expected]
    return network


def kernels(network) -> set[str]:
    return {op.kernel for op in network.ops}


def test_a_trained_lstm(tmp_path):
    """Which of three shapes a noisy curve of 12 points has: trained, quantized, as good on the board's arithmetic."""
    random = np.random.default_rng(0)
    time = np.linspace(0, 1, 12)
    shapes = [np.sin(6 * time), time * 2 - 1, np.where(time < 0.5, 1.0, -1.0)]
    labels = random.integers(0, 3, 600)
    x = np.stack([shapes[k] for k in labels])[..., None] + random.normal(scale=0.3, size=(600, 12, 1))
    x = np.concatenate([x, np.abs(x)], -1).astype(np.float32)
    keras.utils.set_random_seed(1)
    network = model((12, 2), K.LSTM(12), K.Dense(3, activation="softmax"))
    trainable = keras.Sequential([keras.Input((12, 2)), *network.layers[1:]])
    trainable.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    trainable.fit(x[:450], labels[:450], epochs=12, verbose=0)
    float_accuracy = trainable.evaluate(x[450:], labels[450:], verbose=0)[1]
    data = tflite(network, samples=x[:200])
    converted = check(data, tmp_path)
    assert "lstm" in kernels(converted) and len(converted.variables) == 2
    (t,) = converted.inputs
    right = 0
    for frame, label in zip(x[450:], labels[450:]):
        raw = np.clip(np.round(frame / t.scale) + t.zero_point, -128, 127).astype(np.int8)[None]
        right += int(exact.run(converted, [raw])[0].argmax()) == label  # a fresh state each
    print(f"accuracy: float {float_accuracy:.3f}, int8 {right / 150:.3f}")
    assert float_accuracy > 0.9 and right / 150 > float_accuracy - 0.03


@pytest.mark.parametrize("name, layers", (
    ("sequences", lambda: (K.LSTM(10, return_sequences=True), K.LSTM(8), K.Dense(4))),
    ("bidirectional", lambda: (K.Bidirectional(K.LSTM(7)), K.Dense(3))),
))  # fmt: skip
def test_lstm_layers(name, layers, tmp_path):
    assert "lstm" in kernels(check(tflite(model((6, 5), *layers())), tmp_path))


@pytest.mark.parametrize("name, layers", (
    ("gru", lambda: (K.GRU(7, unroll=True), K.Dense(3))),
    ("simple", lambda: (K.SimpleRNN(7, unroll=True), K.Dense(3))),
    ("bidirectional gru", lambda: (K.Bidirectional(K.GRU(5, unroll=True)), K.Dense(3))),
))  # fmt: skip
def test_unrolled_layers_become_plain_ops(name, layers, tmp_path):
    check(tflite(model((4, 5), *layers())), tmp_path)


def test_a_gru_that_loops_is_refused_with_a_way_out():
    converter = tf.lite.TFLiteConverter.from_keras_model(model((6, 5), K.GRU(7), K.Dense(3)))
    with pytest.raises(ToolError, match="unroll=True"):
        convert(converter.convert(), "gru")


def test_attention(tmp_path):
    inputs = keras.Input((8, 6), batch_size=1)
    x = K.Add()([inputs, K.MultiHeadAttention(2, 4)(inputs, inputs)])
    network = keras.Model(inputs, K.Dense(3)(K.GlobalAveragePooling1D()(x)))
    assert "batch_matmul" in kernels(check(tflite(network), tmp_path))


@pytest.mark.parametrize("sixteen", (False, True))
def test_transposed_convolutions(sixteen, tmp_path):
    layers = (K.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"), K.Conv2DTranspose(2, 3))
    assert "transpose_conv" in kernels(check(tflite(model((5, 5, 3), *layers), sixteen), tmp_path))


def test_16x8_convolutions(tmp_path):
    layers = (K.Conv2D(8, 3, padding="same"), K.BatchNormalization(), K.ReLU(), K.DepthwiseConv2D(3), K.ReLU(6.0), K.MaxPool2D(),
              K.Conv2D(12, 1, activation="relu"), K.GlobalAveragePooling2D(), K.Dense(5, activation="softmax"))  # fmt: skip
    network = check(tflite(model((16, 12, 1), *layers), True), tmp_path)
    assert {"conv_2d_16", "depthwise_conv_2d_16", "max_pool_2d_16", "mean_16", "softmax_16"} == kernels(network)


def test_16x8_branches(tmp_path):
    x = inputs = keras.Input((12, 12, 3), batch_size=1)
    x = K.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = K.Conv2D(8, 3, padding="same")(x)
    x = K.LeakyReLU()(K.Add()([x, y]))
    x = K.Multiply()([x, K.Conv2D(8, 1, activation="sigmoid")(x)])
    x = K.Concatenate()([x, K.Subtract()([x, y])])
    x = K.Flatten()(K.Activation("tanh")(K.AveragePooling2D(2)(x)))
    check(tflite(keras.Model(inputs, K.Dense(4, activation="softmax")(x)), True), tmp_path)


def test_a_stateful_module(tmp_path):
    """tf.Variable: CALL_ONCE, VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE as TFLiteConverter writes them (float: refused
    for its type alone; the int8 form is built in test_state.py)."""

    class Counter(tf.Module):
        def __init__(self):
            self.total = tf.Variable(tf.zeros((1, 4)))

        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
        def __call__(self, x):
            self.total.assign_add(x)
            return self.total.read_value()

    module = Counter()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    converter.experimental_enable_resource_variables = True
    with pytest.raises(ToolError, match="float32") as refusal:
        convert(converter.convert(), "counter")
    assert "CALL_ONCE" not in str(refusal.value) and "VAR_HANDLE" not in str(refusal.value)
