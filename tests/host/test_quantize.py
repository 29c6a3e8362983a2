"""The quantizer: accuracy side by side with TensorFlow's on the digits, every op's scale rules, each step's own promise."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host_tools.arithmetic import fixed_point
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.fileformat.quantized_io import dequantize
from host_tools.fileformat.quantized_io import quantize as to_int8
from host_tools.floats import float_graph
from host_tools.measure import datasets, evaluate, metrics, quantize_file
from host_tools.quantizer import Options, build, equalize, mixed, prepare, quantize, ranges, rounding
from host_tools.readers import model as model_reader
from host_tools.readers import tflite
from tests.tflite_builder import Builder

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "models/digits"
PUBLIC = ROOT.parent / "shared/models"
F = np.float32
OFF = Options(ranges="minmax", equalize="off", bias_correction="off", adaptive="off")


def network(graph, name="net"):
    return evaluate.Network(name, "packed", packed.read(convert.convert_graph(graph, name, selftest=0).data))


# --------------------------------------------------------------------------------------------- the digits, measured


@pytest.fixture(scope="module")
def test_digits():
    return datasets.read(DIGITS / "test.npz", [(1, 8, 8, 1)])


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """(the packed file, quantize_file's report) of the float digits, calibrated as TensorFlow was: all training images."""
    out = tmp_path_factory.mktemp("digits") / "digits.fxnn"
    done = quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, Options(samples=1437),
                                       labels=DIGITS / "labels.txt")  # fmt: skip
    return out, done


def test_digits_are_no_worse_than_tensorflows_conversion(digits, test_digits):
    """Float, TensorFlow's full-int8 conversion (by TFLM's own kernels) and ours: one model, one set of data."""
    from host_tools.measure.oracle import Oracle

    real = evaluate.open_network(DIGITS / "digits_float.tflite")
    want = evaluate.answers(real, test_digits)
    ours = evaluate.answers(evaluate.open_network(digits[0]), test_digits)

    oracle = Oracle((DIGITS / "digits.tflite").read_bytes())
    figures = json.loads((DIGITS / "digits.json").read_text())["input"]
    raw = to_int8(test_digits.inputs[0], figures["scale"], figures["zero_point"], "int8")
    theirs = [np.concatenate([dequantize(oracle.run([x[None]])[0], 1 / 256, -128) for x in raw])]

    float_top1, our_top1, their_top1 = (evaluate.score(y, test_digits)["top1"] for y in (want, ours, theirs))
    assert float_top1 - our_top1 <= 0.005, f"float {float_top1:.2%}, ours {our_top1:.2%}"
    assert our_top1 >= their_top1, f"TensorFlow's {their_top1:.2%}, ours {our_top1:.2%}"
    our_db, their_db = (evaluate.compare(y, want)["sqnr_db"] for y in (ours, theirs))
    assert our_db >= their_db, f"TensorFlow's {their_db:.1f} dB, ours {our_db:.1f} dB"


def test_digits_answer_the_same_everywhere(digits, test_digits):
    """An ordinary .fxnn: the unix port's kernels give the host's bits."""
    from host_tools.targets import open_target

    net = packed.read_file(digits[0])
    few = test_digits.first(24)
    raw = (to_int8(few.inputs[0], net.inputs[0].scale, net.inputs[0].zero_point, "int8"),)
    outputs = []
    for name in ("host", "unix", "ref"):
        with open_target(name) as target:
            outputs.append(target.run(net, raw)[0][0])
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


def test_digits_report(digits):
    out, done = digits
    text = "\n".join(done.lines())
    assert "ranges: mse" in text and "adaptive rounding" in text and "chosen:" in text and "dB" in text
    assert "smaller still: 'conv2d_1_2' holds 61% of the 2,832 weights" in text
    figures = json.loads(json.dumps(done.as_dict()))
    assert figures["samples"] == 1437 and sum(t["taken"] for t in figures["trials"]) >= 1
    net = packed.read_file(out)
    assert net.metadata["quantizer"]["steps"] == [t["what"] for t in figures["trials"] if t["taken"]]
    assert net.labels == tuple("0123456789") and net.inputs[0].real_border


def test_same_data_same_bytes(tmp_path, digits):
    again = tmp_path / "digits.fxnn"
    quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", again, Options(samples=1437),
                                labels=DIGITS / "labels.txt")  # fmt: skip
    assert again.read_bytes() == digits[0].read_bytes()


# --------------------------------------------------------------------------------------------- every op's scale rules


def everything(activation="RELU"):
    """A float network with every op that has a rule, and its input shape."""
    random = np.random.default_rng(11)

    def r(*shape):
        return (random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(F)

    b = Builder()
    x = b.input((1, 10, 9, 3), "float32")
    x = b.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0)))
    x = b.conv_2d(x, b.constant(r(8, 3, 3, 3) * 3), b.constant(r(8)), scale=None, activation=activation)
    y = b.depthwise_conv_2d(
        x, b.constant(r(1, 3, 3, 16) * 3), b.constant(r(16)), scale=None, activation="RELU6", stride=(2, 2)
    )
    y = b.max_pool_2d(y, kernel=(2, 2), stride=(1, 1), padding="SAME")
    gate = b.logistic(b.conv_2d(y, b.constant(r(16, 1, 1, 16) * 4), scale=None), scale=None)
    y = b.mul(y, gate, scale=None)
    wave = b.tanh(b.average_pool_2d(y, kernel=(2, 2), stride=(1, 1), padding="SAME"), scale=None)
    y = b.concatenation([y, wave, gate, b.constant(np.full((1, 6, 5, 1), 2.5, F))], 3)
    y = b.add(y, b.constant(r(49) * 3), scale=None)
    y = b.add(b.relu(y), y, scale=None)
    y = b.mean(y, (1, 2), scale=None)
    y = b.expand_dims(b.squeeze(y, ()), 0)
    y = b.fully_connected(y, b.constant(r(6, 49) * 3), b.constant(r(6)), scale=None)
    return b.finish([b.softmax(y, scale=None), y])


@pytest.mark.parametrize("options", [OFF, Options()], ids=["plain", "all"])
def test_every_op_keeps_its_numbers(options):
    graph = tflite.read(everything(), "everything")
    x = np.random.default_rng(1).normal(size=(80, 10, 9, 3)).astype(F)
    made = quantize(graph, [x[:64]], options)
    data = datasets.Dataset((x[64:],))
    got = evaluate.answers(network(made.graph), data)
    want = evaluate.answers(evaluate.Network("float", "float", graph=made.real), data)
    assert metrics.sqnr_db(got[1].reshape(16, 6), want[1].reshape(16, 6)) > 25
    assert np.abs(got[0].reshape(16, 6) - want[0].reshape(16, 6)).max() < 0.05


def test_scales_follow_the_specification():
    made = quantize(
        tflite.read(everything(), "everything"), [np.random.default_rng(1).normal(size=(32, 10, 9, 3)).astype(F)], OFF
    )
    tensors = made.graph.tensors
    kinds = set()
    for op in made.graph.ops:
        kinds.add(op.kind)
        quant = [tensors[i].quant for i in (*op.inputs, *op.outputs) if i and tensors[i].dtype == "int8"]
        if op.kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION", "PAD", "SQUEEZE", "EXPAND_DIMS"):
            assert len(set(quant)) == 1, op
        if op.kind in ("SOFTMAX", "LOGISTIC", "TANH"):
            assert (quant[-1].scale, quant[-1].zero_point) == {"TANH": (1 / 128, 0)}.get(op.kind, (1 / 256, -128))
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            x, w, bias = (tensors[i] for i in op.inputs)
            channels = w.shape[w.quant.axis]
            assert len(w.quant.scales) == channels and set(w.quant.zero_points) == {0}
            assert np.abs(w.data.astype(int)).max() <= 127 and bias.dtype == "int32"
            np.testing.assert_allclose(bias.quant.scales, np.array(w.quant.scales) * x.quant.scale, rtol=1e-6)
    assert kinds >= {
        "QUANTIZE",
        "CONCATENATION",
        "MUL",
        "ADD",
        "MEAN",
        "TANH",
    }  # QUANTIZE: the gate into the concatenation


def test_relu_range_is_not_wasted_on_negative_numbers():
    made = quantize(
        tflite.read(everything(), "e"), [np.random.default_rng(1).normal(size=(32, 10, 9, 3)).astype(F)], OFF
    )
    conv = next(op for op in made.graph.ops if op.kind == "CONV_2D" and op.attrs["activation"] == "RELU")
    assert made.graph.tensors[conv.outputs[0]].quant.zero_point == -128


# --------------------------------------------------------------------------------------------- preparing the graph


def test_batch_norms_written_out_are_folded():
    """conv, * m, + a, RELU: one op after it, the same numbers."""
    random = np.random.default_rng(2)
    b = Builder()
    x = b.input((1, 6, 6, 3), "float32")
    y = b.conv_2d(x, b.constant(random.normal(size=(4, 3, 3, 3)).astype(F)), scale=None)
    y = b.mul(y, b.constant(random.normal(size=4).astype(F)), scale=None)
    y = b.add(b.constant(random.normal(size=(1, 1, 1, 4)).astype(F)), y, scale=None)
    y = b.relu(y)
    y = b.depthwise_conv_2d(y, b.constant(random.normal(size=(1, 2, 2, 8)).astype(F)), scale=None)
    y = b.sub(y, b.constant(random.normal(size=8).astype(F)), scale=None)
    graph = tflite.read(b.finish([y]), "bn")
    folded = prepare.prepare(graph)
    assert [op.kind for op in folded.ops] == ["CONV_2D", "DEPTHWISE_CONV_2D"] and folded.ops[0].attrs[
        "activation"
    ] == "RELU"
    x = random.normal(size=(4, 6, 6, 3)).astype(F)
    np.testing.assert_allclose(float_graph.run(folded, [x])[0], float_graph.run(graph, [x])[0], rtol=1e-4, atol=1e-4)


def test_the_transpose_of_pytorchs_flatten_is_folded():
    """conv (NHWC), TRANSPOSE to NCHW, RESHAPE, dense: the dense op's columns are put in NHWC order instead."""
    random = np.random.default_rng(6)
    b = Builder()
    y = b.conv_2d(b.input((1, 5, 4, 2), "float32"), b.constant(random.normal(size=(3, 2, 2, 2)).astype(F)), scale=None)
    order = b.constant(np.array([0, 3, 1, 2], np.int32))
    y = b.op("TRANSPOSE", [y, order], [b.tensor((1, 3, 5, 4), "float32", name="nchw")])[0]
    y = b.fully_connected(b.reshape(y, (1, 60)), b.constant(random.normal(size=(7, 60)).astype(F)), scale=None)
    graph = tflite.read(b.finish([y]), "torch")
    folded = prepare.prepare(graph)
    assert [op.kind for op in folded.ops] == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    x = random.normal(size=(4, 5, 4, 2)).astype(F)
    np.testing.assert_allclose(float_graph.run(folded, [x])[0], float_graph.run(graph, [x])[0], rtol=1e-4, atol=1e-4)
    assert len(equalize.pairs(folded)) == 1
    made = quantize(graph, [random.normal(size=(40, 5, 4, 2)).astype(F)], OFF)
    assert [op.kernel for op in network(made.graph).packed.ops] == ["conv_2d", "fully_connected"]


def test_a_tensor_used_twice_is_not_folded_away():
    b = Builder()
    x = b.input((1, 4), "float32")
    y = b.fully_connected(x, b.constant(np.eye(4, dtype=F)), scale=None)
    z = b.mul(y, b.constant(np.full(4, 2, F)), scale=None)
    graph = prepare.prepare(tflite.read(b.finish([b.add(y, z, scale=None)]), "twice"))
    assert [op.kind for op in graph.ops] == ["FULLY_CONNECTED", "MUL", "ADD"]
    assert float_graph.run(graph, [np.ones((1, 4), F)])[0].tolist() == [[[3, 3, 3, 3]]]


def test_every_op_that_cannot_be_quantized_is_named():
    b = Builder()
    x = b.input((1, 4), "float32")
    y = b.op("ATAN2", [x, x], [b.tensor((1, 4), "float32", name="angle")])[0]
    z = b.op("SIGN", [y], [b.tensor((1, 4), "float32", name="sign")])[0]
    with pytest.raises(ToolError) as e:
        quantize(tflite.read(b.finish([z]), "waves"), [np.ones((4, 4), F)])
    text = str(e.value)
    assert (
        "2 ops cannot be quantized" in text and "ATAN2 'angle'" in text and "SIGN 'sign'" in text and "CONV_2D" in text
    )


def test_hybrid_and_float16_weights_become_real():
    """int8 weights with float activations ("dynamic range"), float16 weights behind a DEQUANTIZE."""
    w = np.array([[1, -2], [3, 4]], F)
    b = Builder()
    x = b.input((1, 2), "float32")
    y = b.fully_connected(x, b.constant(w.astype(np.int8), scale=[0.5, 0.25], axis=0), scale=None)
    half = b.dequantize(b.constant(w.astype(np.float16)))
    graph = prepare.prepare(tflite.read(b.finish([b.fully_connected(y, half, scale=None)]), "hybrid"))
    got = float_graph.run(graph, [np.array([[1, 1]], F)])[0]
    np.testing.assert_allclose(got[0, 0], w @ (np.array([[0.5], [0.25]]) * w @ [1, 1]))


@pytest.mark.parametrize("name", ["digits"])
def test_a_full_int8_model_keeps_its_own_scales(name, tmp_path):
    done = quantize_file.quantize_file(
        DIGITS / "digits.tflite", None, tmp_path / "d.fxnn", name="digits", labels=DIGITS / "labels.txt"
    )
    assert done.quantized is None and "keeps its own scales" in done.lines()[0]
    assert (tmp_path / "d.fxnn").read_bytes() == (DIGITS / "digits.fxnn").read_bytes()


# --------------------------------------------------------------------------------------------- each step


def test_equalization_keeps_the_function_and_evens_the_channels():
    random = np.random.default_rng(5)
    spread = np.array([1, 10, 0.1, 3], F)
    b = Builder()
    x = b.input((1, 6, 6, 2), "float32")
    y = b.conv_2d(
        x,
        b.constant(random.normal(size=(4, 3, 3, 2)).astype(F) * spread[:, None, None, None]),
        scale=None,
        activation="RELU",
    )
    y = b.depthwise_conv_2d(y, b.constant(random.normal(size=(1, 3, 3, 4)).astype(F)), scale=None, activation="RELU")
    y = b.max_pool_2d(y, kernel=(2, 2))
    y = b.fully_connected(b.reshape(y, (1, 36)), b.constant(random.normal(size=(3, 36)).astype(F)), scale=None)
    graph = prepare.prepare(tflite.read(b.finish([y]), "spread"))
    assert len(equalize.pairs(graph)) == 2
    x = random.normal(size=(20, 6, 6, 2)).astype(F)
    kept = {}
    want = float_graph.run(graph, [x], kept.__setitem__)[0]
    even = equalize.equalize(graph, kept)
    after = {}
    got = float_graph.run(even, [x], after.__setitem__)[0]
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * np.abs(want).max())
    first = graph.ops[0].outputs[0]

    def unevenness(values):
        peaks = values[first].reshape(-1, 4).max(0)
        return peaks.max() / peaks.min()

    assert unevenness(after) < unevenness(kept) / 3


def test_relu6_is_not_equalized():
    b = Builder()
    y = b.fully_connected(b.input((1, 4), "float32"), b.constant(np.eye(4, dtype=F)), scale=None, activation="RELU6")
    y = b.fully_connected(y, b.constant(np.eye(4, dtype=F)), scale=None)
    assert equalize.pairs(prepare.prepare(tflite.read(b.finish([y]), "six"))) == []


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("depthwise", [False, True])
def test_adaptive_rounding_beats_the_nearest_integer(bits, depthwise):
    random = np.random.default_rng(8)
    rows = random.normal(size=(12, 18))
    mixing = random.normal(size=(18, 18))
    x = random.normal(size=(400, 12, 18) if depthwise else (400, 18)) @ mixing + 1
    scale = rounding.scales(rows, bits, np.zeros(12), 0.1)
    q = rounding.adaptive(rows, scale, bits, x, x, True)
    assert np.abs(q).max() <= rounding.limit(bits)

    def error(integers):
        wrong = build._sums(integers * scale[:, None] - rows, x[:, :] if not depthwise else x)
        return ((wrong - wrong.mean(0)) ** 2).mean()

    assert error(q) < 0.7 * error(rounding.nearest(rows, scale, bits))


def test_ranges_by_hand():
    """Values 0 to 100 evenly, and one of 1000: what each method makes of it."""
    values = np.append(np.linspace(0, 100, 100_000), 1000).astype(F)
    step = 1000 / ranges.BINS
    counts = np.bincount((values / step).astype(int).clip(0, ranges.BINS - 1), minlength=ranges.BINS)
    stats = ranges.Statistics(0, 1000, counts.astype(float), (np.arange(ranges.BINS) + 0.5) * step)
    assert ranges.span(stats, "minmax") == (0, 1000)
    assert ranges.span(stats, "percentile", 99.9)[1] == pytest.approx(100, rel=0.02)
    assert 100 < ranges.span(stats, "mse")[1] < 1000 and 90 < ranges.span(stats, "kl")[1] < 1000


def test_zero_is_exact_and_dead_tensors_are_harmless():
    for low, high in ((-1.7, 3.1), (0, 0), (2, 5), (-5, -2), (0, 1e-30)):
        quant = ranges.affine(low, high)
        assert -128 <= quant.zero_point <= 127 and 0 < quant.scale < 1
        assert (
            quant.scale * (127 - quant.zero_point) >= high - quant.scale
            and quant.scale * (-128 - quant.zero_point) <= low + quant.scale
        )


def test_dead_channels_and_a_large_bias_stay_in_int32():
    b = Builder()
    w = np.zeros((3, 4), F)
    w[1] = 1e-9
    y = b.fully_connected(b.input((1, 4), "float32"), b.constant(w), b.constant(np.array([0, 100, -3], F)), scale=None)
    made = quantize(tflite.read(b.finish([y]), "dead"), [np.random.default_rng(0).random((32, 4), F)], Options())
    data = datasets.Dataset((np.ones((4, 4), F),))
    got = evaluate.answers(network(made.graph), data)[0]
    np.testing.assert_allclose(got.reshape(4, 3), [[0, 100, -3]] * 4, atol=0.5)


@pytest.mark.parametrize("name, values", [("ranges", ("minmax", "percentile", "mse", "kl")), ("equalize", ("on", "off")),
                                          ("bias_correction", ("on", "off")), ("adaptive", ("on", "off"))])  # fmt: skip
def test_every_step_is_the_user_s_to_choose(name, values):
    graph = tflite.read((DIGITS / "digits_float.tflite").read_bytes(), "digits")
    x = datasets.read(DIGITS / "calibration.npz", [(1, 8, 8, 1)]).inputs[0]
    for value in values:
        made = quantize(graph, [x], Options(samples=96, **{name: value}))
        chosen = {"ranges": made.recipe.ranges, "equalize": "on" if made.recipe.equalize else "off",
                  "bias_correction": "on" if made.recipe.bias_correction else "off",
                  "adaptive": "on" if made.recipe.adaptive else "off"}[name]  # fmt: skip
        assert chosen == value
        tried = " ".join(t.what for t in made.trials)
        for word, step in (("equalized", "equalize"), ("bias correction", "bias_correction"), ("adaptive", "adaptive")):
            if name == step and value == "off":
                assert word not in tried


# --------------------------------------------------------------------------------------------- fewer bits


@pytest.fixture(scope="module")
def digits_int4(tmp_path_factory):
    out = tmp_path_factory.mktemp("int4") / "digits.fxnn"
    options = Options(samples=1437, weights="int4")
    return out, quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, options)


def test_digits_in_int4_stay_within_two_points(digits_int4, test_digits):
    net = packed.read_file(digits_int4[0])
    assert [op.words[34] for op in net.ops if op.kernel in ("conv_2d", "fully_connected")] == [1, 1, 1]
    figures = {}
    for name, path in (("int4", digits_int4[0]), ("float", DIGITS / "digits_float.tflite")):
        figures[name] = evaluate.evaluate(evaluate.open_network(path), test_digits)["figures"]["top1"]
    assert figures["float"] - figures["int4"] <= 0.02, figures


def test_int4_digits_answer_the_same_everywhere(digits_int4, test_digits):
    net, few = evaluate.open_network(digits_int4[0]), test_digits.first(16)
    want = evaluate.answers(net, few)
    for target in ("unix", "ref"):
        np.testing.assert_array_equal(evaluate.answers(net, few, target), want)


@pytest.mark.pico
@pytest.mark.slow
def test_int4_digits_on_the_emulated_pico(digits_int4, test_digits):
    net, few = evaluate.open_network(digits_int4[0]), test_digits.first(8)
    np.testing.assert_array_equal(evaluate.answers(net, few, "pico"), evaluate.answers(net, few))


def test_flash_takes_the_least_sensitive_weights_first(tmp_path, test_digits):
    """The largest convolution is enough; the small, sensitive first one stays int8."""
    limit = 7200
    done = quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", tmp_path / "d.fxnn",
                                       Options(samples=400, flash=limit))  # fmt: skip
    net = packed.read_file(tmp_path / "d.fxnn")
    assert len(net.data) <= limit and (tmp_path / "d.fxnn").stat().st_size == len(net.data)
    int4 = [op.words[34] for op in net.ops if op.kernel in ("conv_2d", "fully_connected")]
    assert int4 == [0, 1, 0] and any("int4 weights of 1 ops" in t.what and t.taken for t in done.quantized.trials)
    score = evaluate.evaluate(evaluate.open_network(tmp_path / "d.fxnn"), test_digits)["figures"]
    assert score["top1"] >= 0.974


def test_flash_that_fits_anyway_changes_nothing(tmp_path):
    for name, flash in (("a", None), ("b", 100_000)):
        quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", tmp_path / f"{name}.fxnn",
                                    Options(samples=64, flash=flash), name="d")  # fmt: skip
    assert (tmp_path / "a.fxnn").read_bytes() == (tmp_path / "b.fxnn").read_bytes()


def test_flash_counts_everything_in_the_file(tmp_path):
    """Metadata too: one byte less than int8 takes, and the file is smaller."""
    out, options = tmp_path / "d.fxnn", Options(ranges="minmax", equalize="off", adaptive="off", samples=64)
    quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, options)
    limit = out.stat().st_size - 1
    quantize_file.quantize_file(
        DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, replace(options, flash=limit)
    )
    assert out.stat().st_size <= limit


def test_flash_that_nothing_can_reach_says_what_else_would_save(tmp_path):
    with pytest.raises(ToolError) as e:
        quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", tmp_path / "d.fxnn",
                                    Options(samples=64, flash=3000))  # fmt: skip
    text = str(e.value)
    assert (
        "--flash allows 3,000: " in text
        and "too many" in text
        and "half its channels would save 864" in text
        and not list(tmp_path.iterdir())
    )


def test_hints_find_channels_that_do_nothing_and_speak_of_smaller_inputs():
    random = np.random.default_rng(4)
    w = random.normal(size=(6, 3, 3, 1)).astype(F)
    w[[1, 4]] *= 1e-4
    b = Builder()
    y = b.conv_2d(
        b.input((1, 16, 12, 1), "float32"), b.constant(w), scale=None, activation="RELU", name="net/conv2d_7/Relu;x"
    )
    y = b.conv_2d(
        y, b.constant(random.normal(size=(2, 1, 1, 6)).astype(F)), scale=None, name="net/conv2d_8/convolution"
    )
    graph = prepare.prepare(tflite.read(b.finish([y]), "faint"))
    kept = {}
    float_graph.run(graph, [random.normal(size=(8, 16, 12, 1)).astype(F)], kept.__setitem__)
    hints = mixed.hints(graph, kept)
    assert "2 of 6 channels of 'conv2d_7' hardly reach 'conv2d_8': without them 22 weights of 66 less" in hints[0]
    assert "an input of 12x9 instead of 16x12: about 44% fewer MACs" in hints[-1]


def test_an_int8_model_keeps_its_scales_and_what_stays_int8(tmp_path):
    """digits.tflite to int4 without data: nearest rounding; its activations' scales and its depthwise weights as they were."""
    before = convert.convert_bytes((DIGITS / "digits.tflite").read_bytes(), "d", selftest=0)
    done = quantize_file.quantize_file(DIGITS / "digits.tflite", None, tmp_path / "d.fxnn", Options(weights="int4"))
    a, b = packed.read(before), packed.read_file(tmp_path / "d.fxnn")
    assert "no --data" in done.notes[0] and not done.measured
    assert [(t.scale, t.zero_point) for t in (*a.inputs, *a.outputs)] == [
        (t.scale, t.zero_point) for t in (*b.inputs, *b.outputs)
    ]
    for x, y in zip(a.ops, b.ops):
        assert (x.words[23], x.words[24]) == (y.words[23], y.words[24])
        if x.kernel == "depthwise_conv_2d":
            assert x.constants[x.words[27] : x.words[27] + 72] == y.constants[y.words[27] : y.words[27] + 72]


def test_int4_of_an_int8_model_is_better_with_data(tmp_path, test_digits):
    want = evaluate.answers(evaluate.open_network(DIGITS / "digits_float.tflite"), test_digits)
    db = []
    for data in (None, DIGITS / "calibration.npz"):
        quantize_file.quantize_file(DIGITS / "digits.tflite", data, tmp_path / "d.fxnn", Options(weights="int4"))
        got = evaluate.answers(evaluate.open_network(tmp_path / "d.fxnn"), test_digits)
        db.append(evaluate.compare(got, want)["sqnr_db"])
    assert db[1] > db[0] + 5, db


def test_four_bits_there_and_back():
    w = np.random.default_rng(0).integers(-8, 8, (5, 13)).astype(np.int8)
    stored = fixed_point.pack_int4(w)
    assert (
        stored.shape == (5, 8) and stored[0, 0] == (int(w[0, 0]) + 8) | (int(w[0, 1]) + 8) << 4 and stored[0, 7] == 0x88
    )
    np.testing.assert_array_equal(fixed_point.unpack_int4(stored)[:, :13], w)
    assert fixed_point.short_multiplier(2**31 - 1, -3) == (2**15, -2)
    assert fixed_point.short_multiplier(2**30 + 2**14, 0) == (2**15 + 1, 0) and fixed_point.short_multiplier(0, 0) == (
        0,
        0,
    )


def test_int4_weights_of_a_depthwise_convolution_are_refused():
    """The quantizer never makes them; a graph that has them says so."""
    from dataclasses import replace

    made = quantize(
        tflite.read(everything(), "e"), [np.random.default_rng(1).normal(size=(32, 10, 9, 3)).astype(F)], OFF
    )
    op = next(op for op in made.graph.ops if op.kind == "DEPTHWISE_CONV_2D")
    w = made.graph.tensors[op.inputs[1]]
    with pytest.raises(ToolError, match="int4 weights of a depthwise"):
        convert.convert_graph(made.graph.with_tensor(replace(w, dtype="int4")), "e")


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public networks (../shared/models) are not here")
def test_the_autoencoder_halves(tmp_path):
    data = (PUBLIC / "ad_autoencoder_int8.tflite").read_bytes()
    quantize_file.quantize_file(
        PUBLIC / "ad_autoencoder_int8.tflite", None, tmp_path / "ad.fxnn", Options(weights="int4")
    )
    int8, int4 = packed.read(convert.convert_bytes(data, "ad", placing="ram")), packed.read_file(tmp_path / "ad.fxnn")
    weights = [sum(len(op.constants) for op in net.ops) for net in (int8, int4)]
    assert len(int4.data) < 0.53 * len(int8.data) and weights[1] < 0.52 * weights[0], (len(int4.data), len(int8.data))
    assert int4.resident_bytes + int4.arena_bytes < 150_000  # it runs from a Pico's RAM


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public networks (../shared/models) are not here")
def test_int4_in_pieces_for_the_flash(tmp_path):
    """Rows of four bits and short channel tables are cut by channels as others are; the board streams the pieces."""
    from host_tools.targets import open_target

    x = np.random.default_rng(0).integers(-128, 128, (2, 640)).astype(np.int8)
    answers = []
    for placing in ("ram", "flash"):
        out = tmp_path / f"{placing}.fxnn"
        quantize_file.quantize_file(
            PUBLIC / "ad_autoencoder_int8.tflite", None, out, Options(weights="int4"), placing=placing
        )
        for name in ("host", "unix"):
            with open_target(name) as target:
                answers.append(target.run(packed.read_file(out), (x,))[0][0])
    assert any(op.words[33] for op in packed.read_file(tmp_path / "flash.fxnn").ops)
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])


# --------------------------------------------------------------------------------------------- files and Keras


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
@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public networks (../shared/models) are not here")
def test_public_float_network():
    """DS-CNN without its data set: inputs like cepstra, smooth in time and frequency. Against float, not against truth."""
    random = np.random.default_rng(0)
    x = random.normal(size=(160, 57, 14, 1))
    for axis, length in ((1, 9), (2, 5)):
        x = np.apply_along_axis(np.convolve, axis, x, np.ones(length) / length**0.5, "valid")
    x = (x * np.linspace(40, 5, 10)[:, None]).astype(F)
    graph = tflite.read((PUBLIC / "kws_dscnn_float32.tflite").read_bytes(), "kws")
    made = quantize(graph, [x[:128]], Options(ranges="mse"))
    data = datasets.Dataset((x[128:],))
    got = evaluate.answers(network(made.graph), data)
    want = evaluate.answers(evaluate.Network("float", "float", graph=made.real), data)
    figures = evaluate.compare(got, want)
    assert figures["sqnr_db"] > 18 and figures["agreement"] >= 0.95, figures


def test_samples_that_are_all_the_same_are_refused():
    graph = tflite.read((DIGITS / "digits_float.tflite").read_bytes(), "digits")
    with pytest.raises(ToolError, match="all 50 samples"):
        quantize(graph, [np.zeros((50, 8, 8, 1), F)])


def test_a_packed_network_is_not_quantized_again(tmp_path):
    with pytest.raises(ToolError, match="packed already"):
        quantize_file.quantize_file(DIGITS / "digits.fxnn", "random", tmp_path / "d.fxnn")
