"""Fusing and folding: what is saved, and that not one bit changes. The oracle runs the unfused network."""

import numpy as np
import pytest

from host_tools.arithmetic import fixed_point
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.exact import run as exact_run
from host_tools.fileformat import packed
from host_tools.measure.oracle import Oracle
from host_tools.record import CONV
from tests.helpers.tflite_builder import Builder

RNG = np.random.default_rng(5)


def weights(*shape):
    return RNG.integers(-127, 128, shape).astype(np.int8)


def conv(b, x, out_c=4, **options):
    in_c = b.tensors[x].shape[-1]
    w = b.constant(weights(out_c, 3, 3, in_c), scale=[0.02] * out_c, axis=0)
    bias = b.constant(RNG.integers(-500, 500, out_c).astype(np.int32), scale=[0.002] * out_c)
    return b.conv_2d(x, w, bias, **{"scale": 0.1, "zero_point": 3, **options})


def exact(data: bytes, kernels: list[str], real_input: bool = False) -> packed.Packed:
    """Converts, checks which kernels remain and that 20 random inputs give the oracle's bits."""
    network = packed.read(convert.convert_bytes(data))
    assert [op.kernel for op in network.ops] == kernels
    oracle = Oracle(data)
    for _ in range(20):
        raw = [RNG.integers(0, 256, t.shape, np.uint8).view(t.dtype) for t in network.inputs]
        given = raw
        if real_input:
            given = [RNG.normal(0, 3, t.shape).astype(np.float32) for t in network.inputs]
            raw = [
                fixed_point.affine_quantize(x, t.scale, t.zero_point, t.dtype) for x, t in zip(given, network.inputs)
            ]
        want = oracle.run(given)
        got = exact_run.run(network, raw)
        for g, w, t in zip(got, want, network.outputs):
            if w.dtype == np.float32:
                g = ((g.astype(np.int32) - t.zero_point) * np.float32(t.scale)).astype(np.float32)
            np.testing.assert_array_equal(g.reshape(-1), w.reshape(-1))
    return network


def test_relu_behind_conv_is_its_clamp():
    b = Builder()
    exact(b.finish([b.relu(conv(b, b.input((1, 6, 6, 3), scale=0.1)))]), ["conv_2d"])


def test_relu6_behind_conv_is_its_clamp():
    b = Builder()
    exact(b.finish([b.relu6(conv(b, b.input((1, 6, 6, 3), scale=0.1)))]), ["conv_2d"])


def test_relu_with_another_scale_stays():
    b = Builder()
    exact(
        b.finish([b.relu(conv(b, b.input((1, 6, 6, 3), scale=0.1)), scale=0.07, zero_point=-128)]), ["conv_2d", "lut"]
    )


def test_relu_of_a_tensor_with_two_readers_stays():
    b = Builder()
    y = conv(b, b.input((1, 6, 6, 3), scale=0.1))
    exact(b.finish([b.relu(y), y]), ["conv_2d", "lut"])


@pytest.mark.parametrize("padding, stride", [("VALID", (1, 1)), ("VALID", (2, 2)), ("SAME", (2, 1))])
def test_pad_before_conv_is_the_convs_own(padding, stride):
    b = Builder()
    x = b.pad(b.input((1, 7, 6, 3), scale=0.1, zero_point=-20), [[0, 0], [1, 2], [0, 3], [0, 0]])
    network = exact(b.finish([conv(b, x, padding=padding, stride=stride)]), ["conv_2d"])
    assert network.ops[0].words[CONV.slice("in_h", "in_w")] == (7, 6)


def test_pad_of_channels_stays():
    b = Builder()
    x = b.pad(b.input((1, 5, 5, 2), scale=0.1, zero_point=9), [[0, 0], [1, 1], [0, 0], [0, 1]])
    exact(b.finish([conv(b, x, padding="VALID")]), ["copy", "conv_2d"])


def test_two_pads_and_a_depthwise_conv():
    b = Builder()
    x = b.pad(b.input((1, 5, 5, 2), scale=0.1, zero_point=9), [[0, 0], [1, 0], [0, 2], [0, 0]])
    x = b.pad(x, [[0, 0], [2, 1], [1, 0], [0, 0]])
    w = b.constant(weights(1, 3, 3, 4), scale=[0.03] * 4, axis=3)
    exact(b.finish([b.depthwise_conv_2d(x, w, scale=0.2, padding="VALID")]), ["depthwise_conv_2d"])


def test_real_numbers_at_the_borders():
    b = Builder()
    x = b.quantize(b.input((1, 6, 6, 3), dtype="float32"), scale=0.05, zero_point=-3)
    network = exact(b.finish([b.dequantize(conv(b, x))]), ["conv_2d"], real_input=True)
    assert network.inputs[0].real_border and network.outputs[0].real_border


def test_uint8_borders_become_tables():
    b = Builder()
    x = b.quantize(b.input((1, 6, 6, 3), dtype="uint8", scale=0.05, zero_point=120), scale=0.05, zero_point=-8)
    exact(b.finish([b.quantize(conv(b, x), scale=0.1, zero_point=131, dtype="uint8")]), ["lut", "conv_2d", "lut"])


def test_tables_in_a_row_are_one():
    b = Builder()
    x = b.quantize(b.input((1, 40), scale=0.05, zero_point=20), scale=0.07, zero_point=-8)
    exact(b.finish([b.logistic(b.relu(x))]), ["lut"])


def test_reshapes_cost_nothing():
    b = Builder()
    x = b.reshape(b.input((1, 2, 3, 4), scale=0.1), (1, 24))
    x = b.expand_dims(x, 1)
    x = b.squeeze(x, [1])
    w = b.constant(weights(5, 24), scale=0.01)
    network = exact(b.finish([b.reshape(b.fully_connected(x, w, scale=0.2), (5, 1))]), ["fully_connected"])
    assert network.outputs[0].shape == (5, 1)


def test_a_network_of_one_reshape():
    b = Builder()
    exact(b.finish([b.reshape(b.input((1, 6), scale=0.1), (2, 3))]), [])


def test_shape_arithmetic_of_keras_flatten_is_folded():
    b = Builder()
    x = b.input((1, 4, 4, 2), scale=0.1)
    shape = b.tensor((4,), "int32")
    b.op("SHAPE", [x], [shape], "ShapeOptions", OutType=2)
    ends = [b.constant(np.array([v], np.int32)) for v in (0, 1, 1)]
    batch = b.tensor((), "int32")
    b.op("STRIDED_SLICE", [shape, *ends], [batch], "StridedSliceOptions", ShrinkAxisMask=1)
    rest = b.constant(np.array(32, np.int32))
    new_shape = b.tensor((2,), "int32")
    b.op("PACK", [batch, rest], [new_shape], "PackOptions", ValuesCount=2, Axis=0)
    flat = b.tensor((1, 32), "int8", 0.1, 0)
    b.op("RESHAPE", [x, new_shape], [flat], "ReshapeOptions")
    w = b.constant(weights(5, 32), scale=0.01)
    exact(b.finish([b.fully_connected(flat, w, scale=0.2)]), ["fully_connected"])


def test_dead_branches_are_dropped():
    b = Builder()
    x = b.input((1, 6, 6, 3), scale=0.1)
    conv(b, x)
    exact(b.finish([conv(b, x)]), ["conv_2d"])


def test_constant_operands():
    b = Builder()
    x = b.input((1, 4, 4, 3), scale=0.1)
    c = b.constant(weights(1, 1, 1, 3), scale=0.02)
    d = b.constant(weights(1, 4, 4, 3), scale=0.1)
    y = b.add(b.mul(x, c, scale=0.1), d, scale=0.1)
    exact(b.finish([b.concatenation([y, d], 3)]), ["channel_lut", "add", "copy", "copy"])


def test_batch_norm_and_what_follows_are_tables_a_channel():
    """MUL, ADD, LEAKY_RELU behind each other: one pass over the bytes."""
    b = Builder()
    x = b.input((1, 4, 4, 12), scale=0.1)
    y = b.mul(x, b.constant(weights(12), scale=0.02), scale=0.1)
    y = b.add(y, b.constant(weights(12), scale=0.05), scale=0.12, zero_point=3)
    z = b.output(y, (1, 4, 4, 12), 0.11, -4)
    b.op("LEAKY_RELU", [y], [z], "LeakyReluOptions", Alpha=0.1)
    exact(b.finish([z]), ["channel_lut"])


def test_the_ops_saved_are_reported():
    """RELU into the ADD, a RESHAPE that is another name, two tables in a row."""
    b = Builder()
    x, x2 = b.input((1, 4, 4, 12), scale=0.1), b.input((1, 4, 4, 12), scale=0.1)
    y = b.reshape(b.relu(b.add(x, x2, scale=0.1)), (1, 192))
    z = b.tanh(b.quantize(y, scale=0.07))
    line = convert.convert(b.finish([z]), "model").lines()[0]
    assert line == ("ops: 5 -> 2 kernel calls (removed: 1 by fuse_activations, 1 by other names for the same bytes, "
                    "1 by tables)")  # fmt: skip


def test_large_tables_a_channel_are_not_made():
    """64 channels would take 16 kB of tables."""
    b = Builder()
    x = b.input((1, 2, 2, 64), scale=0.1)
    y = b.mul(x, b.constant(np.arange(-32, 32).astype(np.int8), scale=0.02), scale=0.1)
    exact(b.finish([b.add(y, b.constant(np.arange(64).astype(np.int8), scale=0.05), scale=0.12)]), ["mul", "add"])


def test_transposes_that_undo_each_other_and_those_that_only_relabel():
    b = Builder()
    x = b.input((1, 4, 1, 3), scale=0.1)
    y = b.tensor((1, 3, 1, 4), "int8", 0.1)
    b.op("TRANSPOSE", [b.relu(x), b.constant(np.array([0, 3, 2, 1], np.int32))], [y], "TransposeOptions")
    z = b.tensor((1, 1, 4, 3), "int8", 0.1)
    b.op("TRANSPOSE", [y, b.constant(np.array([0, 2, 3, 1], np.int32))], [z], "TransposeOptions")
    exact(b.finish([z]), ["lut"])


def test_float_ops_of_one_tensor_are_a_table():
    b = Builder()
    x = b.input((1, 4, 4, 3), scale=0.02)
    r = b.tensor((1, 4, 4, 3), "float32")
    b.op("ABS", [b.dequantize(x)], [r])
    q = b.tensor((1, 4, 4, 3), "float32")
    b.op("SQRT", [r], [q])
    exact(b.finish([b.quantize(q, scale=0.01, zero_point=-128)]), ["lut"])


@pytest.mark.parametrize("kind", ("RELU", "RELU6", "TANH", "NEG", "SQUARE", "ROUND", "SIN"))
def test_every_float_function_between_two_quantizations_is_a_table(kind):
    b = Builder()
    y = b.tensor((1, 4, 4, 3), "float32")
    b.op(kind, [b.dequantize(b.input((1, 4, 4, 3), scale=0.02))], [y])
    exact(b.finish([b.quantize(y, scale=0.011, zero_point=-3)]), ["lut"])


def test_refusals_name_tensors_reasons_layers_and_are_grouped():
    b = Builder()
    x = b.input((1, 4, 4, 3), scale=0.1, name="camera")
    for i in range(20):
        y = b.tensor((1, 4, 4, 3), "int8", 0.1, 0, name=f"pool {i}")
        b.op("L2_POOL_2D", [x], [y], "Pool2DOptions", FilterHeight=1, FilterWidth=1, StrideH=1, StrideW=1)
        x = y
    z = b.tensor((1, 4, 4, 3), "int8", 0.1, 0, name="rest")
    b.op("FLOOR_MOD", [x, x], [z], "FloorModOptions")
    with pytest.raises(ToolError) as e:
        convert.convert_bytes(b.finish([z]))
    text = str(e.value)
    assert "21 ops cannot be converted" in text and text.count("do: ") == 2
    assert "L2_POOL_2D 'pool 0' (int8 1x4x4x3 -> int8 1x4x4x3): " in text and "14 more of L2_POOL_2D" in text
    assert "usually from: a Lambda layer with %" in text and "nothing was written" in text


def test_one_tensor_added_to_itself():
    b = Builder()
    x = b.input((1, 4, 4, 3), scale=0.1)
    exact(b.finish([b.add(x, x, scale=0.3)]), ["lut"])


def test_everything_unsupported_is_named_at_once():
    b = Builder()
    x = b.input((1, 4, 4, 3), scale=0.1, name="camera")
    y = b.tensor((1, 4, 4, 3), "int8", 0.1, 0, name="difference")
    b.op("FLOOR_DIV", [x, x], [y], "FloorDivOptions")
    z = b.tensor((1, 4, 4, 3), "int8", 0.1, 0, name="bigger")
    b.op("FLOOR_MOD", [y, x], [z], "FloorModOptions")
    with pytest.raises(ToolError) as e:
        convert.convert_bytes(b.finish([conv(b, z)]))
    text = str(e.value)
    assert "2 ops cannot be converted" in text
    assert "FLOOR_DIV 'difference'" in text and "FLOOR_MOD 'bigger'" in text and "for floats only" in text


def test_weights_made_at_run_time_are_refused():
    b = Builder()
    x, w = b.input((1, 8), scale=0.1), b.input((4, 8), scale=0.1)
    with pytest.raises(ToolError, match="weights are computed at run time"):
        convert.convert_bytes(b.finish([b.fully_connected(x, w, scale=0.2)]))


def test_values_that_move_as_real_numbers_move_as_integers():
    """DEQUANTIZE, SPLIT, RESHAPE, QUANTIZE: what TFLiteConverter leaves in unrolled GRUs. No real number remains."""
    b = Builder()
    real = b.dequantize(b.input((1, 6), scale=0.05, zero_point=-4))
    parts = [b.tensor((1, 3), "float32") for _ in range(2)]
    b.op("SPLIT", [b.constant(np.array(1, np.int32)), real], parts, "SplitOptions", NumSplits=2)
    y = b.quantize(parts[0], scale=0.02, zero_point=9)
    z = b.quantize(b.reshape(parts[1], (3, 1)), scale=0.3, zero_point=0)
    network = exact(b.finish([y, z]), ["copy", "copy", "lut", "lut"])
    assert not any(t.dtype == "float32" for t in network.tensors)
