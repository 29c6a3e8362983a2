"""The quantizer: accuracy side by side with TensorFlow's on the digits, every op's scale rules, each step's own promise."""

import json

import numpy as np
import pytest

from host_tools.fileformat import packed
from host_tools.fileformat.quantized_io import dequantize
from host_tools.fileformat.quantized_io import quantize as to_int8
from host_tools.floats import float_graph
from host_tools.measure import datasets, evaluate, metrics, quantize_file
from host_tools.quantizer import Options, build, equalize, prepare, quantize, ranges, rounding
from host_tools.readers import tflite
from tests.helpers.paths import DIGITS
from tests.helpers.quantizing import OFF, everything, network
from tests.helpers.tflite_builder import Builder

F = np.float32


# --------------------------------------------------------------------------------------------- the digits, measured


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """(the packed file, quantize_file's report) of the float digits, calibrated as TensorFlow was: all training images."""
    out = tmp_path_factory.mktemp("digits") / "digits.fxnn"
    done = quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, Options(samples=1437),
                                       labels=DIGITS / "labels.txt")  # fmt: skip
    return out, done


def test_digits_are_no_worse_than_tensorflows_conversion(digits, digits_data):
    """Float, TensorFlow's full-int8 conversion (by TFLM's own kernels) and ours: one model, one set of data."""
    from host_tools.measure.oracle import Oracle

    real = evaluate.open_network(DIGITS / "digits_float.tflite")
    want = evaluate.answers(real, digits_data)
    ours = evaluate.answers(evaluate.open_network(digits[0]), digits_data)

    oracle = Oracle((DIGITS / "digits.tflite").read_bytes())
    figures = json.loads((DIGITS / "digits.json").read_text())["input"]
    raw = to_int8(digits_data.inputs[0], figures["scale"], figures["zero_point"], "int8")
    theirs = [np.concatenate([dequantize(oracle.run([x[None]])[0], 1 / 256, -128) for x in raw])]

    float_top1, our_top1, their_top1 = (evaluate.score(y, digits_data)["top1"] for y in (want, ours, theirs))
    assert float_top1 - our_top1 <= 0.005, f"float {float_top1:.2%}, ours {our_top1:.2%}"
    assert our_top1 >= their_top1, f"TensorFlow's {their_top1:.2%}, ours {our_top1:.2%}"
    our_db, their_db = (evaluate.compare(y, want)["sqnr_db"] for y in (ours, theirs))
    assert our_db >= their_db, f"TensorFlow's {their_db:.1f} dB, ours {our_db:.1f} dB"


def test_digits_answer_the_same_everywhere(digits, digits_data):
    """An ordinary .fxnn: the unix port's kernels give the host's bits."""
    from host_tools.targets import open_target

    net = packed.read_file(digits[0])
    few = digits_data.first(24)
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


@pytest.mark.parametrize("options", [OFF, Options()], ids=["plain", "all"])
def test_every_op_keeps_its_numbers(options):
    graph = tflite.read(everything(), "everything")
    x = np.random.default_rng(1).normal(size=(80, 10, 9, 3)).astype(F)
    made = quantize(graph, [x[:64]], options)
    data = datasets.Dataset((x[64:],))
    got = evaluate.answers(network(made.graph), data)
    want = evaluate.answers(evaluate.Network("float", made.real), data)
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
        wrong = build.sums_of_rows(integers * scale[:, None] - rows, x[:, :] if not depthwise else x)
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
