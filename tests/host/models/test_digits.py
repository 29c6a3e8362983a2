"""The digits network: the committed files agree with each other, with scikit-learn and with TensorFlow Lite Micro."""

import ast
import importlib.util
import json

import numpy as np
import pytest

from tests.helpers.paths import DIGITS, ROOT

ALLOWED_OPS = {
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "AVERAGE_POOL_2D",
    "MEAN", "RESHAPE", "SOFTMAX", "ADD",
}  # fmt: skip


@pytest.fixture(scope="module")
def figures():
    return json.loads((DIGITS / "digits.json").read_text())


@pytest.fixture(scope="module")
def images():
    """(x0 float32 (360, 8, 8, 1) in 0..1, labels uint8 (360,))."""
    with np.load(DIGITS / "test.npz") as data:
        return data["x0"], data["labels"]


@pytest.fixture(scope="module")
def make_test_bin():
    spec = importlib.util.spec_from_file_location("make_test_bin", DIGITS / "make_test_bin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_images_are_scikit_learns_split(images):
    datasets = pytest.importorskip("sklearn.datasets")
    selection = pytest.importorskip("sklearn.model_selection")
    digits = datasets.load_digits()
    _, x, _, y = selection.train_test_split(
        digits.images, digits.target, test_size=360, random_state=0, stratify=digits.target
    )
    x0, labels = images
    assert x0.dtype == np.float32 and labels.dtype == np.uint8
    np.testing.assert_array_equal(x0, x[..., np.newaxis] / 16)
    np.testing.assert_array_equal(labels, y)


def test_labels():
    assert (DIGITS / "labels.txt").read_text().split() == [str(digit) for digit in range(10)]


def test_int8_accuracy_by_tflm_is_the_figure(figures, images):
    pytest.importorskip("tflite_micro")
    from host_tools.measure.oracle import Oracle

    oracle = Oracle((DIGITS / "digits.tflite").read_bytes(), prefer="tflm")
    x0, labels = images
    step = figures["input"]["scale"]
    raw = np.clip(np.round(x0 / step) + figures["input"]["zero_point"], -128, 127).astype(np.int8)
    scores = np.array([oracle.run([one[np.newaxis]])[0][0] for one in raw])
    correct = int(np.sum(scores.argmax(axis=1) == labels))
    assert correct == figures["int8_correct"]
    assert round(correct / len(labels), 6) == figures["int8_accuracy"] >= 0.985


def test_pixels_fall_on_whole_steps_of_the_input(figures):
    """No pixel value lies between two int8 values, so every way to round gives the same answer."""
    from tflite.Model import Model

    graph = Model.GetRootAs((DIGITS / "digits.tflite").read_bytes(), 0).Subgraphs(0)
    quantization = graph.Tensors(graph.Inputs(0)).Quantization()
    scale, zero_point = float(quantization.Scale(0)), int(quantization.ZeroPoint(0))
    assert {"scale": scale, "zero_point": zero_point} == figures["input"]
    assert all((pixel / 16 / scale).is_integer() for pixel in range(17))


def test_ops_are_the_figures_and_allowed(figures):
    from tflite.BuiltinOperator import BuiltinOperator
    from tflite.Model import Model

    names = {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}
    model = Model.GetRootAs((DIGITS / "digits.tflite").read_bytes(), 0)
    graph = model.Subgraphs(0)
    codes = [model.OperatorCodes(graph.Operators(i).OpcodeIndex()) for i in range(graph.OperatorsLength())]
    ops = [names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes]
    assert ops == figures["ops"]
    assert set(ops) <= ALLOWED_OPS


def test_committed_files_are_small(figures):
    assert (DIGITS / "digits.tflite").stat().st_size == figures["tflite_bytes"]
    assert sum(path.stat().st_size for path in DIGITS.glob("*.*")) < 125_000


def test_readme_has_the_measured_figures(figures):
    text = (DIGITS / "README.md").read_text()
    for figure in (
        f"{figures['float_accuracy']:.2%}".replace("%", " %"),
        f"{figures['int8_accuracy']:.2%}".replace("%", " %"),
        f"{figures['macs']:,}",
        f"{figures['weights']:,}",
        f"{figures['tflite_bytes']:,}",
    ):
        assert figure in text, f"README.md lacks {figure}"


@pytest.mark.parametrize("name", ["main.py", "boot.py"])
def test_program_is_short_ascii_and_compiles(name):
    source = (ROOT / name).read_bytes().decode("ascii")
    ast.parse(source)
    assert len(source.splitlines()) < 40


@pytest.mark.parametrize("count", [1, 7, 360, None])
def test_bin_round_trip(make_test_bin, images, count):
    x0, labels = images
    data = make_test_bin.test_bin(DIGITS / "test.npz", count)
    digits = np.frombuffer(data, np.uint8).reshape(-1, 65)
    assert len(digits) == (count or len(labels))
    np.testing.assert_array_equal(digits[:, 0], labels[:count])
    np.testing.assert_array_equal(digits[:, 1:].reshape(-1, 8, 8, 1) / 16, x0[:count])


def test_bin_refuses_more_digits_than_there_are(make_test_bin):
    with pytest.raises(ValueError, match="361 digits asked for, .* has 360"):
        make_test_bin.test_bin(DIGITS / "test.npz", 361)


def test_bin_refuses_other_pixels(make_test_bin, tmp_path):
    np.savez(tmp_path / "odd.npz", x0=np.full((1, 8, 8, 1), 0.3, np.float32), labels=np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match="multiple|must be"):
        make_test_bin.test_bin(tmp_path / "odd.npz")
