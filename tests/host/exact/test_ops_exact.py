"""Every op, converted and run by the host's exact kernels, against TensorFlow Lite Micro: equal to the last bit."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tools.arithmetic import fixed_point
from host_tools.compiler.convert import convert_bytes
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from tests import draw
from tests.helpers.examples import EXAMPLES, drawn
from tests.helpers.paths import PUBLIC_MODELS
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

# little arithmetic, or other ops' kernels
FEW_KERNELS = (*draw.integer.OPS, "add_n", "cumsum", "zeros_like", "fill", "dynamic_update_slice", "embedding_lookup")
NETWORKS = ("kws_dscnn", "ic_resnet8", "ad_autoencoder", "vww_mobilenet")


def run(tflite: bytes, inputs) -> list[np.ndarray]:
    return exact.run(packed.read(convert_bytes(tflite, "model", selftest=0)), list(inputs))


@pytest.mark.parametrize("op", [op for op in draw.OPS if op not in FEW_KERNELS])
@drawn(EXAMPLES)
@given(data=st.data())
def test_op_is_exact(op, data):
    _exact(op, data)


@pytest.mark.parametrize("op", FEW_KERNELS)
@drawn(EXAMPLES // 2)
@given(data=st.data())
def test_op_of_few_kernels_is_exact(op, data):
    _exact(op, data)


def _exact(op, data):
    case = draw.expected(data.draw(draw.models(op)))
    wrong = draw.difference(case, run(case.tflite, case.inputs))
    assert wrong is None, wrong


@pytest.mark.parametrize("op", draw.OPS)
def test_generated_cases_are_the_same_every_time(op):
    first, second = (draw.generate(op, 3, seed=1) for _ in range(2))
    for a, b in zip(first, second):
        assert (a.name, a.tflite, str(a)) == (b.name, b.tflite, str(b))
        assert all((x == y).all() for x, y in zip(a.inputs + a.outputs, b.inputs + b.outputs))
    assert len({c.tflite for c in first}) > 1
    for case in first:
        wrong = draw.difference(case, run(case.tflite, case.inputs))
        assert wrong is None, wrong


def test_log_softmax_of_what_is_far_below_the_rest():
    """30 below the largest, and 309 classes that share it: the difference to their logarithm leaves Q5.26."""
    b = Builder()
    y = b.tensor((1, 309), "int8", 16 / 256, 127)
    b.op("LOG_SOFTMAX", [b.input((1, 309), scale=0.242, zero_point=23)], [y], "LogSoftmaxOptions")
    x = np.full((1, 309), 127, np.int8)
    x[0, :256] = np.arange(-128, 128)
    tflite = b.finish([y])
    assert (run(tflite, [x])[0] == Oracle(tflite).run([x])[0]).all()


def test_sum_past_int32_wraps_as_tflm_does():
    """requantize(-2**17) is -2**31 + 47 here, and the zero point of -128 takes it across: eq. (3)."""
    k = 1241 * 2.0**-23
    b = Builder()
    x = b.input((1, 1), scale=1 + k)
    bias = b.constant(np.array([-(1 << 17), 1 << 16], np.int32), 1.0)
    y = b.fully_connected(x, b.constant(np.zeros((2, 1), np.int8), 1 - k), bias, scale=2.0**-14, zero_point=-128)
    assert fixed_point.conv_multiplier(1 + k, 1 - k, 2.0**-14) == ((1 << 31) - 47, 14)
    inputs = [np.zeros((1, 1), np.int8)]
    tflite = b.finish([y])
    assert Oracle(tflite).run(inputs)[0].tolist() == run(tflite, inputs)[0].tolist() == [[127, 127]]


@pytest.mark.parametrize("shift", (8, 16, 24, 29))
@pytest.mark.parametrize("op", ("conv_2d", "depthwise_conv_2d", "fully_connected"))
def test_accumulators_past_int32_wrap_as_tflm_does(op, shift):
    """Biases of all of int32 and rescalings up to 2**29: no exporter writes them, but the board must not differ."""
    random = np.random.default_rng(shift)
    b = Builder()
    bias = random.integers(-(1 << 31), 1 << 31, 6).astype(np.int32)
    quant = {"scale": float(np.float32(0.001 * 2.0**-shift)), "zero_point": 5}
    x = b.input((1, 4, 4, 3), scale=0.1, zero_point=3)
    if op == "conv_2d":
        weights = b.constant(random.integers(-128, 128, (6, 3, 3, 3)).astype(np.int8), [0.01] * 6)
        y = b.conv_2d(x, weights, b.constant(bias, [0.001] * 6), **quant)
    elif op == "depthwise_conv_2d":
        weights = b.constant(random.integers(-128, 128, (1, 3, 3, 6)).astype(np.int8), [0.01] * 6, axis=3)
        y = b.depthwise_conv_2d(x, weights, b.constant(bias, [0.001] * 6), **quant)
    else:
        weights = b.constant(random.integers(-128, 128, (6, 48)).astype(np.int8), [0.01] * 6)
        y = b.fully_connected(b.reshape(x, (1, 48)), weights, b.constant(bias, [0.001] * 6), **quant)
    inputs = [random.integers(-128, 128, (1, 4, 4, 3)).astype(np.int8)]
    tflite = b.finish([y])
    case = draw.Case(f"{op}/wrap", op, tflite, tuple(inputs), {"shift": shift}, tuple(Oracle(tflite).run(inputs)))
    wrong = draw.difference(case, run(tflite, inputs))
    assert wrong is None, wrong


def test_real_numbers_at_the_border():
    """A QUANTIZE before and a DEQUANTIZE behind are folded away; fixed_point does what they did."""
    b = Builder()
    x = b.input((1, 300), "float32")
    q = b.quantize(x, scale=0.037, zero_point=-5)
    weights = b.constant(np.random.default_rng(0).integers(-127, 128, (7, 300)).astype(np.int8), 0.004)
    y = b.fully_connected(q, weights, scale=0.11, zero_point=9)
    tflite = b.finish([b.dequantize(y)])
    real = np.concatenate([np.arange(-150, 150, dtype=np.float32) * np.float32(0.037 / 2)]).reshape(1, 300)
    network = packed.read(convert_bytes(tflite, "model"))
    raw = exact.run(
        network, [fixed_point.affine_quantize(real, network.inputs[0].scale, network.inputs[0].zero_point, np.int8)]
    )[0]
    out = network.outputs[0]
    got = fixed_point.affine_dequantize(raw, out.scale, out.zero_point)
    want = Oracle(tflite).run([real])[0]
    assert got.dtype == want.dtype and (got == want).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_public_network_is_exact(name):
    path = PUBLIC_MODELS / f"{name}_int8.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is not in ../shared/models beside the repository")
    tflite = path.read_bytes()
    oracle, network = Oracle(tflite), packed.read(convert_bytes(tflite, name))
    random = np.random.default_rng(2)
    for k in range(4):
        inputs = [random.integers(-128, 128, s).astype(d) for s, d in zip(oracle.input_shapes, oracle.input_dtypes)]
        began = time.monotonic()
        outputs = exact.run(network, inputs)
        seconds = time.monotonic() - began
        case = draw.Case(f"{name}/{k}", name, tflite, tuple(inputs), {}, tuple(oracle.run(inputs)))
        wrong = draw.difference(case, outputs)
        assert wrong is None, wrong
        assert seconds < 2, f"{seconds:.1f} s for one inference"


def test_on_op_sees_the_arena_after_every_op():
    case = draw.generate("pairs", 8, seed=3)[0]
    network = packed.read(convert_bytes(case.tflite, "model"))
    seen = []
    outputs = exact.run(network, list(case.inputs), lambda i, arena: seen.append((i, arena.copy())))
    assert [i for i, _ in seen] == list(range(len(network.ops)))
    for out, tensor in zip(outputs, network.outputs):
        assert (exact.read_tensor(seen[-1][1], tensor) == out).all()


def test_inputs_that_do_not_fit_are_refused():
    network = packed.read(convert_bytes(draw.generate("relu", 1, seed=0)[0].tflite, "model"))
    with pytest.raises(ToolError, match="0 inputs given"):
        exact.run(network, [])
    with pytest.raises(ToolError, match="given as int16"):
        exact.run(network, [np.zeros(network.inputs[0].shape, np.int16)])
    with pytest.raises(ToolError, match="given as int8"):
        exact.run(network, [np.zeros(3, np.int8)])
