"""Weights of four bits: accuracy, bytes, which ones --flash takes, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from host_tools.arithmetic import fixed_point
from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.floats import float_graph
from host_tools.measure import evaluate, quantize_file
from host_tools.quantizer import Options, mixed, prepare, quantize
from host_tools.readers import tflite
from host_tools.record import CONV
from tests.helpers.paths import DIGITS, PUBLIC_MODELS
from tests.helpers.quantizing import OFF, everything
from tests.helpers.tflite_builder import Builder

F = np.float32


@pytest.fixture(scope="module")
def digits_int4(tmp_path_factory):
    out = tmp_path_factory.mktemp("int4") / "digits.fxnn"
    options = Options(samples=1437, weights="int4")
    return out, quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", out, options)


def test_digits_in_int4_stay_within_two_points(digits_int4, digits_data):
    net = packed.read_file(digits_int4[0])
    assert [op.words[CONV.weights_format] for op in net.ops if op.kernel in ("conv_2d", "fully_connected")] == [1, 1, 1]
    figures = {}
    for name, path in (("int4", digits_int4[0]), ("float", DIGITS / "digits_float.tflite")):
        figures[name] = evaluate.evaluate(evaluate.open_network(path), digits_data)["figures"]["top1"]
    assert figures["float"] - figures["int4"] <= 0.02, figures


def test_int4_digits_answer_the_same_everywhere(digits_int4, digits_data):
    net, few = evaluate.open_network(digits_int4[0]), digits_data.first(16)
    want = evaluate.answers(net, few)
    for target in ("unix", "ref"):
        np.testing.assert_array_equal(evaluate.answers(net, few, target), want)


@pytest.mark.pico
@pytest.mark.slow
def test_int4_digits_on_the_emulated_pico(digits_int4, digits_data):
    net, few = evaluate.open_network(digits_int4[0]), digits_data.first(8)
    np.testing.assert_array_equal(evaluate.answers(net, few, "pico"), evaluate.answers(net, few))


def test_flash_takes_the_least_sensitive_weights_first(tmp_path, digits_data):
    """The largest convolution is enough; the small, sensitive first one stays int8."""
    limit = 7200
    done = quantize_file.quantize_file(DIGITS / "digits_float.tflite", DIGITS / "calibration.npz", tmp_path / "d.fxnn",
                                       Options(samples=400, flash=limit))  # fmt: skip
    net = packed.read_file(tmp_path / "d.fxnn")
    assert len(net.data) <= limit and (tmp_path / "d.fxnn").stat().st_size == len(net.data)
    int4 = [op.words[CONV.weights_format] for op in net.ops if op.kernel in ("conv_2d", "fully_connected")]
    assert int4 == [0, 1, 0] and any("int4 weights of 1 ops" in t.what and t.taken for t in done.quantized.trials)
    score = evaluate.evaluate(evaluate.open_network(tmp_path / "d.fxnn"), digits_data)["figures"]
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
        assert (x.words[CONV.x_zero_point], x.words[CONV.y_zero_point]) == (
            y.words[CONV.x_zero_point],
            y.words[CONV.y_zero_point],
        )
        if x.kernel == "depthwise_conv_2d":
            assert (
                x.constants[x.words[CONV.weights_offset] : x.words[CONV.weights_offset] + 72]
                == y.constants[y.words[CONV.weights_offset] : y.words[CONV.weights_offset] + 72]
            )


def test_int4_of_an_int8_model_is_better_with_data(tmp_path, digits_data):
    want = evaluate.answers(evaluate.open_network(DIGITS / "digits_float.tflite"), digits_data)
    db = []
    for data in (None, DIGITS / "calibration.npz"):
        quantize_file.quantize_file(DIGITS / "digits.tflite", data, tmp_path / "d.fxnn", Options(weights="int4"))
        got = evaluate.answers(evaluate.open_network(tmp_path / "d.fxnn"), digits_data)
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


@pytest.mark.skipif(not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here")
def test_the_autoencoder_halves(tmp_path):
    data = (PUBLIC_MODELS / "ad_autoencoder_int8.tflite").read_bytes()
    quantize_file.quantize_file(
        PUBLIC_MODELS / "ad_autoencoder_int8.tflite", None, tmp_path / "ad.fxnn", Options(weights="int4")
    )
    int8, int4 = packed.read(convert.convert_bytes(data, "ad", placing="ram")), packed.read_file(tmp_path / "ad.fxnn")
    weights = [sum(len(op.constants) for op in net.ops) for net in (int8, int4)]
    assert len(int4.data) < 0.53 * len(int8.data) and weights[1] < 0.52 * weights[0], (len(int4.data), len(int8.data))
    assert int4.resident_bytes + int4.arena_bytes < 150_000  # it runs from a Pico's RAM


@pytest.mark.skipif(not PUBLIC_MODELS.is_dir(), reason="the public networks (../shared/models) are not here")
def test_int4_in_pieces_for_the_flash(tmp_path):
    """Rows of four bits and short channel tables are cut by channels as others are; the board streams the pieces."""
    from host_tools.targets import open_target

    x = np.random.default_rng(0).integers(-128, 128, (2, 640)).astype(np.int8)
    answers = []
    for placing in ("ram", "flash"):
        out = tmp_path / f"{placing}.fxnn"
        quantize_file.quantize_file(
            PUBLIC_MODELS / "ad_autoencoder_int8.tflite", None, out, Options(weights="int4"), placing=placing
        )
        for name in ("host", "unix"):
            with open_target(name) as target:
                answers.append(target.run(packed.read_file(out), (x,))[0][0])
    assert any(op.words[CONV.piece_count] for op in packed.read_file(tmp_path / "flash.fxnn").ops)
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])
