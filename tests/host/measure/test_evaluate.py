"""`fxnn evaluate`: tasks told by their data, every form of network, figures as scikit-learn has them."""

import json

import numpy as np
import pytest
from rich.console import Console

from host_tools.errors import ToolError
from host_tools.measure import datasets, evaluate
from host_tools.measure.datasets import Dataset
from host_tools.measure.evaluate_show import show
from host_tools.readers import tflite
from tests.helpers.paths import DIGITS
from tests.helpers.tflite_builder import Builder

F = np.float32


def shown(result) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))
    show(result, console)
    return console.export_text()


def test_digits_are_the_committed_figures(digits_data):
    committed = json.loads((DIGITS / "digits.json").read_text())
    result = evaluate.evaluate(evaluate.open_network(DIGITS / "digits.fxnn"), digits_data,
                               against=evaluate.open_network(DIGITS / "digits_float.tflite"))  # fmt: skip
    assert result["figures"]["correct"] == committed["int8_correct"]
    assert result["against_figures"]["correct"] == committed["float_correct"]
    assert result["figures"]["classes"][8]["recall"] == pytest.approx(33 / 35)
    assert np.array(result["figures"]["confusion"])[8, 3] == 2
    assert json.loads(json.dumps(result)) == result
    text = shown(result)
    assert "99.44% (358)" in text and "truth" in text and "dB" in text


def test_a_full_int8_tflite_is_the_packed_network(digits_data):
    few = digits_data.first(20)
    a = evaluate.answers(evaluate.open_network(DIGITS / "digits.tflite"), few)
    b = evaluate.answers(evaluate.open_network(DIGITS / "digits.fxnn"), few)
    np.testing.assert_array_equal(a, b)


def test_on_other_targets(digits_data):
    few, net = digits_data.first(12), evaluate.open_network(DIGITS / "digits.fxnn")
    np.testing.assert_array_equal(evaluate.answers(net, few, "unix"), evaluate.answers(net, few))


def dense(weights, kind="fully_connected"):
    """A float network y = W x."""
    b = Builder()
    w = np.asarray(weights, F)
    y = b.fully_connected(b.input((1, w.shape[1]), "float32"), b.constant(w), scale=None)
    return evaluate.Network("dense", tflite.read(b.finish([y]), "dense"))


def test_anomalies_by_reconstruction():
    """The network keeps the first of two numbers: a sample with a second one is odd."""
    x = np.array([[1, 0], [2, 0.1], [3, 0], [1, 1], [2, 3], [1, 0.05]], F)
    result = evaluate.evaluate(dense([[1, 0], [0, 0]]), Dataset((x,), np.array([0, 0, 0, 1, 1, 1])))["figures"]
    assert result["task"] == "anomaly" and result["auc"] == pytest.approx(8 / 9)
    assert "AUC" in shown({"network": "n", "on": "host", "figures": result})


def test_regression():
    x = np.array([[1, 2], [3, 4], [5, 7]], F)
    result = evaluate.evaluate(dense([[1, 1]]), Dataset((x,), targets=np.array([3, 7, 13], F)))["figures"]
    assert (
        result["task"] == "regress"
        and result["mae"] == pytest.approx(1 / 3)
        and result["max_error"] == pytest.approx(1)
    )
    assert "R2" in shown({"network": "n", "on": "host", "figures": result})


def test_one_output_is_the_probability_of_class_1():
    x = np.array([[0.2], [0.9], [0.7], [0.4]], F)
    result = evaluate.evaluate(dense([[1]]), Dataset((x,), np.array([0, 1, 0, 0])), task="classify")["figures"]
    assert result["top1"] == 0.75 and result["auc"] == 1 and result["confusion"] == [[2, 1], [0, 1]]


def test_comparing_without_labels():
    x = Dataset((np.random.default_rng(0).random((10, 3), F),))
    result = evaluate.evaluate(dense(np.eye(3)), x, against=dense(np.eye(3) * 2))
    assert result["compared"]["sqnr_db"] == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert "the same best output for 100.00%" in shown(result)


@pytest.mark.parametrize(
    "data, task, message",
    [
        (Dataset((np.ones((2, 3), F),)), "auto", "nothing to measure by"),
        (Dataset((np.ones((2, 3), F),)), "classify", "no labels"),
        (Dataset((np.ones((2, 3), F),)), "regress", "no targets"),
        (Dataset((np.ones((2, 3), F),), np.array([0, 5])), "auto", "labels from 0 to 5 for 3 outputs"),
        (Dataset((np.ones((2, 3), F),), np.array([1, 1])), "anomaly", "all the same"),
        (Dataset((np.ones((2, 3), F),), targets=np.ones((2, 2), F)), "auto", "targets of shape"),
    ],
)
def test_refusals(data, task, message):
    with pytest.raises(ToolError, match=message):
        evaluate.evaluate(dense(np.eye(3)), data, task=task)


def test_two_different_networks_are_not_compared():
    with pytest.raises(ToolError, match="two different networks"):
        evaluate.evaluate(dense(np.eye(3)), Dataset((np.ones((2, 3), F),)), against=dense(np.ones((2, 3))))


@pytest.mark.pico
@pytest.mark.slow
def test_on_the_emulated_pico(digits_data):
    few, net = digits_data.first(8), evaluate.open_network(DIGITS / "digits.fxnn")
    np.testing.assert_array_equal(evaluate.answers(net, few, "pico"), evaluate.answers(net, few))


def test_mistakes_are_named(tmp_path):
    """Class folders that are not the network's, labels from 1, data that is not scaled, another network to compare with."""
    net = evaluate.open_network(DIGITS / "digits.fxnn")
    x = np.load(DIGITS / "test.npz")["x0"][:20]
    folders = datasets.Dataset((x,), np.arange(20) % 2, names=("cats", "dogs"))
    with pytest.raises(ToolError, match="2 classes by subfolder: cats, dogs") as e:
        evaluate.evaluate(net, folders)
    assert "10 outputs: 0, 1" in e.value.why
    two = evaluate.by_name(datasets.Dataset((x,), np.arange(20) % 2, names=("3", "7")), net.labels, 10)
    assert set(two.labels) == {3, 7} and two.names == net.labels
    with pytest.raises(ToolError, match="labels from 1 to 10") as e:
        evaluate.evaluate(net, datasets.Dataset((x,), np.arange(20) % 10 + 1))
    assert "subtract 1" in e.value.fix
    assert evaluate.cut_off(net, datasets.Dataset((x,))) == []
    assert "0 to 0.996" in evaluate.cut_off(net, datasets.Dataset((x * 255,)))[0]
    with pytest.raises(ToolError, match="two different networks"):
        evaluate.evaluate(
            net, datasets.Dataset((x,)), against=evaluate.open_network(DIGITS.parent / "anomaly/anomaly.fxnn")
        )
