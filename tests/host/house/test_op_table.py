"""The table of docs/ops.md is what the last run on all targets found; that run has seen every op that can be converted."""

from host_tools.ops import lowering as lower
from tests.tools import op_table

# ops that only exist as a way to write another: SELECT is SELECT_V2 without broadcasting, REDUCE_ANY as REDUCE_ALL
_TWINS = {"SELECT": "SELECT_V2", "REDUCE_ANY": "REDUCE_ALL", "TABLE": "QUANTIZE"}
# tf.Variable: tests/host/ops/test_state.py
_ELSEWHERE = ("READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "VAR_HANDLE")


def test_the_page_holds_the_table():
    assert op_table.table() in op_table.PAGE.read_text() and op_table.page() == op_table.PAGE.read_text(), (
        "python -m tests.tools.op_table --write"
    )


def test_every_op_was_run_on_every_target():
    results = op_table.load()
    assert set(results) == set(op_table.MODELS)
    for target, found in results.items():
        missing = [k for k in lower.supported() if k not in _ELSEWHERE and _TWINS.get(k, k) not in found]
        assert not missing, f"{target}: python -m tests.tools.op_table --run --on {target}: {missing}"


def test_a_difference_stops_the_run(monkeypatch):
    """The run itself: an answer that is wrong by one bit is not recorded."""
    from tests import draw
    from tests.helpers import batch

    monkeypatch.setattr(draw, "OPS", {"relu": draw.OPS["relu"]})
    monkeypatch.setattr(draw, "STATEFUL", {})
    right = batch.run_ref

    def wrong(cases, folder):
        answers = right(cases, folder)
        return [answers[0][:-1] + bytes([answers[0][-1] ^ 1]), *answers[1:]]

    assert op_table.run("ref") == {"RELU": {"int8": op_table.MODELS["ref"]}}
    monkeypatch.setattr(batch, "run_ref", wrong)
    try:
        op_table.run("ref")
    except AssertionError as e:
        assert "on ref" in str(e)
    else:
        raise AssertionError("a wrong answer was taken")
