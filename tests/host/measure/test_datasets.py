"""Calibration and test data: every accepted form gives the same samples, everything else a message that helps."""

import numpy as np
import pytest

from host_tools.errors import ToolError
from host_tools.measure import datasets

SHAPE = (1, 4, 3, 1)
X = np.random.default_rng(0).random((6, 4, 3, 1)).astype(np.float32)


@pytest.mark.parametrize(
    "arrays",
    [{"x0": X, "labels": np.arange(6)}, {"x": X, "y": np.eye(6)}, {"images": X[..., 0], "label": np.arange(6.0)},
     {"x0": X[:, None], "labels": np.arange(6)[:, None]}],
)  # fmt: skip
def test_npz(arrays, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    data = datasets.read(tmp_path / "d.npz", [SHAPE])
    np.testing.assert_array_equal(data.inputs[0], X)
    assert data.labels.tolist() == [0, 1, 2, 3, 4, 5] and len(data) == 6
    assert data.first(3).labels.tolist() == [0, 2, 5] and data.first(99) is data


def test_npy_and_targets(tmp_path):
    np.save(tmp_path / "d.npy", (X * 100).astype(np.uint8))
    data = datasets.read(tmp_path / "d.npy", [SHAPE])
    assert data.labels is None and data.inputs[0].dtype == np.float32 and data.inputs[0].max() > 90
    np.savez(tmp_path / "d.npz", x0=X, targets=X[:, :2, 0, 0])
    assert datasets.read(tmp_path / "d.npz", [SHAPE]).targets.shape == (6, 2)


def test_folder_of_classes(tmp_path):
    for name, part in (("cat", X[:2]), ("ant", X[2:])):
        (tmp_path / name).mkdir()
        for i, x in enumerate(part):
            np.save(tmp_path / name / f"{i}.npy", x)
    data = datasets.read(tmp_path, [SHAPE])
    assert data.names == ("ant", "cat") and data.labels.tolist() == [0, 0, 0, 0, 1, 1]
    np.testing.assert_array_equal(data.inputs[0], X[[2, 3, 4, 5, 0, 1]])
    assert "ant, cat" in data.notes[0]


def test_folder_of_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((8, 6), 255, np.uint8)).save(tmp_path / "white.png")
    data = datasets.read(tmp_path, [SHAPE], "-1..1")
    assert data.inputs[0].shape == (1, 4, 3, 1) and (data.inputs[0] == 1).all() and "resized to 3x4" in data.notes[0]


def test_images_without_pillow_say_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ToolError, match="pip install pillow"):
        datasets.read(tmp_path, [SHAPE])


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({}, "no array x0"),
        ({"a": X, "b": X}, "no array x0: it holds a, b"),
        ({"x0": X[0]}, r"shape \(4, 3, 1\): the network's input needs \(N, 4, 3, 1\)\nadd the leading axis"),
        ({"x0": X[:, :3]}, r"needs \(N, 4, 3, 1\)"),
        ({"x0": X[:0]}, "no sample"),
        ({"x0": X + np.inf}, "infinite"),
        ({"x0": X.astype(str)}, "numbers are needed"),
        ({"x0": X, "labels": np.arange(5)}, "5 labels for 6 samples"),
        ({"x0": X, "labels": X[:, 0, 0, 0]}, "an integer"),
        ({"x0": X, "targets": np.arange(5)}, "5 targets for 6"),
    ],
)
def test_refusals(arrays, message, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(ToolError, match=message):
        datasets.read(tmp_path / "d.npz", [SHAPE])


def test_other_refusals(tmp_path):
    np.savez(tmp_path / "d.npz", x0=X)
    (tmp_path / "text.npz").write_text("no")
    (tmp_path / "empty").mkdir()
    for path, shapes, message in (
        (tmp_path / "d.npz", [SHAPE, SHAPE], "no array x1"),
        (tmp_path / "text.npz", [SHAPE], "holds no numpy arrays"),
        (tmp_path / "empty", [SHAPE], "holds no samples"),
        (tmp_path / "gone.npz", [SHAPE], "cannot read"),
        (tmp_path / "empty", [SHAPE, SHAPE], "has 2 inputs"),
    ):
        with pytest.raises(ToolError, match=message):
            datasets.read(path, shapes)


@pytest.mark.parametrize("shape, says", [((4, 64), "x.reshape(-1, 8, 8, 1)"), ((4, 16, 16, 1), "resize the images to 8x8"),
                                         ((8, 8, 1), "x[None]"), ((4, 1, 8, 9), "resize")])  # fmt: skip
def test_wrong_shapes_come_with_the_line_that_mends_them(tmp_path, shape, says):
    np.savez(tmp_path / "t.npz", x0=np.zeros(shape, np.float32))
    with pytest.raises(ToolError) as e:
        datasets.read(tmp_path / "t.npz", [(1, 8, 8, 1)])
    assert says in e.value.fix
    np.savez(tmp_path / "t.npz", x0=np.zeros((4, 3, 8, 6), np.float32))
    with pytest.raises(ToolError, match=r"transpose\(0, 2, 3, 1\)"):
        datasets.read(tmp_path / "t.npz", [(1, 8, 6, 3)])


def test_what_else_newcomers_give(tmp_path):
    (tmp_path / "a/train/cats").mkdir(parents=True)
    np.save(tmp_path / "a/train/cats/1.npy", np.zeros(4))
    with pytest.raises(ToolError, match="folders with folders") as e:
        datasets.read(tmp_path / "a", [(1, 4)])
    assert e.value.fix.endswith("train")
    (tmp_path / "d.csv").write_text("1,2,3\n")
    with pytest.raises(ToolError, match="neither .npz nor .npy"):
        datasets.read(tmp_path / "d.csv", [(1, 4)])
    np.savez(tmp_path / "o.npz", x_test=np.zeros((3, 4)), y_test=np.zeros(3))
    with pytest.raises(ToolError) as e:
        datasets.read(tmp_path / "o.npz", [(1, 4)], how_to=datasets.HOW_TO_TEST)
    assert "labels=y_test" in e.value.fix and "calibration" not in e.value.fix
    np.savez(tmp_path / "p.npz", x0=np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1))
    assert "divide them by 255" in datasets.read(tmp_path / "p.npz", [(1, 8, 8, 1)]).notes[0]
