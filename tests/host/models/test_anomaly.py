"""models/anomaly: float, TensorFlow's int8, ours and int4 side by side on data that came from scikit-learn."""

import json

import numpy as np
import pytest

from host_tools.measure import datasets, evaluate, quantize_file
from host_tools.quantizer import Options
from tests.helpers.paths import ROOT

FOLDER = ROOT / "models/anomaly"


@pytest.fixture(scope="module")
def test_part():
    return datasets.read(FOLDER / "test.npz", [(1, 30)])


def auc(path, data, on="host"):
    return evaluate.score(evaluate.answers(evaluate.open_network(path), data, on), data)["auc"]


def test_int8_is_no_worse_than_tensorflow_and_float_and_int4_close(test_part, tmp_path):
    for name, options in (("int8", Options()), ("int4", Options(weights="int4"))):
        quantize_file.quantize_file(
            FOLDER / "anomaly_float.tflite", FOLDER / "calibration.npz", tmp_path / f"{name}.fxnn", options
        )
    found = {
        "float": auc(FOLDER / "anomaly_float.tflite", test_part),
        "tensorflow": auc(FOLDER / "anomaly_int8.tflite", test_part),
    }
    found |= {name: auc(tmp_path / f"{name}.fxnn", test_part) for name in ("int8", "int4")}
    assert found["float"] == pytest.approx(json.loads((FOLDER / "anomaly.json").read_text())["float_auc"], abs=1e-4)
    assert found["float"] - found["int8"] <= 0.005 and found["int8"] >= found["tensorflow"], found
    assert found["float"] - found["int4"] <= 0.02, found


def test_normal_samples_are_reproduced_better_than_by_tensorflows(test_part):
    """What is inside of the calibrated ranges: signal to noise against float on the held-out normal samples."""
    from dataclasses import replace

    normal = replace(test_part, inputs=(test_part.inputs[0][test_part.labels == 0],), labels=None)
    want = evaluate.answers(evaluate.open_network(FOLDER / "anomaly_float.tflite"), normal)
    db = [evaluate.compare(evaluate.answers(evaluate.open_network(FOLDER / name), normal), want)["sqnr_db"]
          for name in ("anomaly.fxnn", "anomaly_int8.tflite")]  # fmt: skip
    assert db[0] >= db[1] > 20, db


def test_committed_file_has_the_readme_s_figures(test_part):
    text = (FOLDER / "README.md").read_text()
    assert (
        f"{auc(FOLDER / 'anomaly.fxnn', test_part):.4f}" in text
        and f"{(FOLDER / 'anomaly.fxnn').stat().st_size:,} bytes" in text
    )
    assert f"{auc(FOLDER / 'anomaly_int8.tflite', test_part):.4f}" in text
    few = test_part.first(12)
    net = evaluate.open_network(FOLDER / "anomaly.fxnn")
    np.testing.assert_array_equal(evaluate.answers(net, few, "unix"), evaluate.answers(net, few))


def test_data_is_scikit_learns(test_part):
    load = pytest.importorskip("sklearn.datasets").load_breast_cancer
    data = load()
    assert (test_part.labels == 1).sum() == (data.target == 0).sum()
    with np.load(FOLDER / "calibration.npz") as calibration:
        train = calibration["x0"]
    assert len(train) + (test_part.labels == 0).sum() == (data.target == 1).sum()
    np.testing.assert_allclose(train.mean(0), 0, atol=0.05)
    assert np.abs(train).max() <= 6
