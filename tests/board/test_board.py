"""A whole board's day: deploy, run, verify, break it, deploy again. On a real board with `pytest tests/board --port PORT`."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from host_tools.boards.mpremote_board import Board
from host_tools.compiler import convert
from host_tools.fileformat import packed
from tests import draw
from tests.helpers import batch, runners
from tests.helpers.paths import DIGITS, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.pico]


def fxnn(*arguments, ok=True) -> str:
    done = subprocess.run([sys.executable, "-m", "host_tools", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=600, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout if ok else done.stderr


@pytest.fixture(scope="module")
def deployed(board_port):
    fxnn("deploy", DIGITS / "digits.fxnn", "--port", board_port)
    return board_port


def test_a_second_deployment_copies_nothing(deployed):
    report = json.loads(fxnn("deploy", DIGITS / "digits.fxnn", "--port", deployed, "--json"))
    assert report["copy_bytes"] == 0 and report["selftest"]["vectors"] == 3


def test_classify_at_the_repl(deployed):
    with np.load(DIGITS / "test.npz") as data:
        pixels, label = data["x0"][0].reshape(-1).tolist(), int(data["labels"][0])
    with Board(deployed) as board:
        code = (
            f"import fxnn\nnet = fxnn.load('/models/digits.fxnn')\nprint(net.classify({pixels}), net.selftest(), net)"
        )
        said = board.exec(code)
    assert said.startswith(f"('{label}', ") and "17088 MACs" in said


def test_verify(deployed):
    assert "same" in fxnn(
        "verify", DIGITS / "digits.fxnn", "--against", DIGITS / "digits.tflite", "--on", deployed, "-n", 4
    )


def test_profile(deployed, tmp_path):
    fxnn("profile", DIGITS / "digits.fxnn", "--on", deployed, "--json", tmp_path / "p.json")
    report = json.loads((tmp_path / "p.json").read_text())
    assert [op["kind"] for op in report["ops"]] == [op.kernel for op in packed.read_file(DIGITS / "digits.fxnn").ops]


def test_a_network_that_answers_wrong_changes_nothing(deployed, tmp_path):
    """A failing self-test leaves the old network in place and working."""
    data = bytearray((DIGITS / "digits.fxnn").read_bytes())
    data[int.from_bytes(data[60:64], "little") + 64] ^= 1  # vector 0's first expected output, behind its 64 inputs
    data[12:16] = packed.crc32(data).to_bytes(4, "little")
    (tmp_path / "digits.fxnn").write_bytes(data)
    assert "self-test failed" in fxnn("deploy", tmp_path / "digits.fxnn", "--port", deployed, ok=False)
    with Board(deployed) as board:
        assert board.eval("__import__('fxnn').load('/models/digits.fxnn').selftest()") == 3
        assert board.eval("__import__('os').listdir('/models')") == ["digits.fxnn"]


def test_boards_lists_it(deployed):
    (board,) = json.loads(fxnn("boards", "--port", deployed, "--json"))
    assert board["facts"]["firmware"] == "micropython" and board["facts"]["free_ram_bytes"] > 30_000


def test_one_model_of_each_op(deployed, request):
    """The same cases as on every other target, loaded from bytes at the REPL; on the virtual Pico, which runs all of them
    elsewhere (tests/host/targets/test_targets_exact.py), of every third op."""
    from host_tools.errors import ToolError

    fxnn("deploy", DIGITS / "digits.fxnn", "--port", deployed, "--all-kernels")
    cases, models = [], []
    for op in list(draw.OPS)[:: 1 if request.config.getoption("--port") else 3]:
        (case,) = draw.generate(op, 1, 7)
        try:
            models.append(convert.convert_bytes(case.tflite, case.name, selftest=0))
        except ToolError:
            continue
        cases.append(case)
    with Board(deployed) as board:
        inputs = batch.cases_file([(model, case.inputs) for model, case in zip(models, cases)])
        files = runners.with_parameters({"cases.bin": inputs}, BACKEND="viper")
        for name, data in files.items():
            board.write_file(f"/{name}", data)
        answers = batch.answers(board.exec(runners.source(batch.SCRIPT), 60), len(cases))
        board.exec(f"import os\nfor name in {list(files)}: os.remove(name)")
    for case, answer in zip(cases, answers):
        assert answer == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), f"{case}: {answer}"
