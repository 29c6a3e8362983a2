"""What a network remembers: LSTM, SVDF and tf.Variable, against TensorFlow Lite Micro over inferences in a row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tools.compiler.convert import convert, convert_bytes
from host_tools.errors import ToolError
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.measure import verify
from host_tools.measure.oracle import Oracle
from host_tools.targets import open_target
from tests import draw
from tests.helpers import batch, runners
from tests.helpers.examples import EXAMPLES, drawn
from tests.helpers.tflite_builder import Builder

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

Q = {"scale": 0.05, "zero_point": 3}


def run(model: bytes, frames) -> list[np.ndarray]:
    network = packed.read(model)
    state = exact.first_state(network)
    return [y for frame in frames for y in exact.run(network, list(frame), state=state)]


@pytest.mark.parametrize("op", draw.STATEFUL)
@drawn(EXAMPLES)
@given(data=st.data())
def test_op_is_exact(op, data):
    case = draw.expected(data.draw(draw.models(op)))
    wrong = draw.difference(case, run(convert_bytes(case.tflite, "model", selftest=0), case.frames))
    assert wrong is None, wrong


def test_the_models_are_not_saturated():
    """Outputs that differ from call to call and from 0 are what the tests above compare."""
    for op in draw.STATEFUL:
        cases = draw.generate(op, 20, seed=5)
        assert sum(len(np.unique(y)) > 2 for c in cases for y in c.outputs) > 8, op
        repeated = [c for c in cases if c.calls > 1 and not (c.outputs[0] == c.outputs[-1]).all()]
        assert len(repeated) > 6, op


@pytest.fixture(scope="module")
def stateful_cases():
    cases = [c for op in draw.STATEFUL for c in draw.generate(op, 12, seed=20261122)]
    return [(c, convert_bytes(c.tflite, c.name, selftest=0)) for c in cases]


@pytest.mark.parametrize("target", ("ref", "unix"))
def test_targets(stateful_cases, tmp_path, target):
    run_there = {"ref": batch.run_ref, "unix": batch.run_unix}[target]
    _same(stateful_cases, run_there([(m, c.inputs) for c, m in stateful_cases], tmp_path))


@pytest.mark.pico
def test_pico(stateful_cases):
    some = [pair for i, pair in enumerate(stateful_cases) if i % 12 < 4]
    _same(some, batch.run_pico([(m, c.inputs) for c, m in some]))


def _same(cases, answers):
    for (case, _), got in zip(cases, answers):
        assert got == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)


# ---------------------------------------------------------------------------------------------------- variables


def counter(initial=None, read_again: bool = False) -> bytes:
    """y = x + variable; variable = y: a running sum, as a stateful tf.Module converts."""
    init = None
    if initial is not None:
        init = Builder()
        init.assign_variable(init.handle("sum"), init.constant(np.full((1, 4), initial, np.int8), **Q))
    b = Builder(init)
    x = b.input((1, 4), **Q)
    handle = b.handle("sum")
    before = b.read_variable(handle, (1, 4), **Q)
    y = b.add(x, before, **Q)
    b.assign_variable(handle, y)
    if read_again:  # the copy read first must not see what has been written since
        after = b.read_variable(b.handle("sum"), (1, 4), **Q)
        return b.finish([y, b.sub(after, before, **Q)])
    return b.finish([y])


FRAMES = [
    [np.array([[5, 3, -20, 127]], np.int8)],
    [np.array([[4, 3, 100, -128]], np.int8)],
    [np.array([[9, 9, 9, 9]], np.int8)],
]


@pytest.mark.parametrize("initial", (None, -7))
@pytest.mark.parametrize("read_again", (False, True))
def test_resource_variables(initial, read_again, tmp_path):
    tflite = counter(initial, read_again)
    oracle = Oracle(tflite)
    want = [y for frame in FRAMES for y in oracle.run(frame)]
    model = convert_bytes(tflite, "sum")
    assert [y.tobytes() for y in run(model, FRAMES)] == [y.tobytes() for y in want]
    inputs = [x for frame in FRAMES for x in frame]
    for answers in (batch.run_ref([(model, inputs)], tmp_path), batch.run_unix([(model, inputs)], tmp_path)):
        assert answers == [b"".join(y.tobytes() for y in want)]


def test_a_read_that_nobody_outlives_is_no_copy():
    assert convert(counter(), "sum").records == 2  # add, and the copy into the variable
    assert convert(counter(read_again=True), "sum").records == 4


@pytest.mark.parametrize("shape", ((1, 4), (2, 2)))
def test_variables_that_cannot_be_are_refused(shape):
    b = Builder()
    x = b.input((1, 4), **Q)
    b.assign_variable(b.handle("v"), x)
    y = b.read_variable(b.handle("other"), shape, **Q)
    with pytest.raises(ToolError, match="never|cannot be converted"):
        convert_bytes(b.finish([y]), "m")


def test_an_initialization_that_computes_is_refused():
    init = Builder()
    c = init.constant(np.ones((1, 4), np.int8), **Q)
    init.assign_variable(init.handle("v"), init.relu(init.relu(c)))
    b = Builder(init)
    y = b.add(b.input((1, 4), **Q), b.read_variable(b.handle("v"), (1, 4), **Q), **Q)
    with pytest.raises(ToolError, match="computes a variable's first value"):
        convert_bytes(b.finish([y]), "m")


def test_control_flow_is_refused_with_a_way_out():
    b = Builder()
    x = b.input((1, 4), **Q)
    y = b.op("WHILE", [x], [b.tensor((1, 4), **Q)], "WhileOptions", CondSubgraphIndex=1, BodySubgraphIndex=2)
    with pytest.raises(ToolError, match="unroll=True"):
        convert_bytes(b.finish(y), "m")


# ----------------------------------------------------------------------------------------- reset, targets, memory

RESET = """\
import fxnn
import micropython
net = fxnn.load('model.fxnn')
def ask(x):
    net.input[:] = bytes([v & 255 for v in x])
    net.invoke()
    return list(net.output)
x = (5, 3, -20, 127)
first = ask(x)
micropython.heap_lock()
net.invoke()
micropython.heap_unlock()
second = list(net.output)
net.reset()
print(first, second != first, ask(x) == first)
print(net.selftest(), ask(x) == first, net.selftest())
try:
    fxnn.load('model.fxnn', arena=net)
except ValueError as e:
    print(e)
print(net.summary())
"""


def test_reset_on_unix(tmp_path):
    """reset() forgets, the self-test starts from a reset and leaves one, an arena with variables is not shared."""
    printed = runners.run_unix(RESET, {"model.fxnn": convert_bytes(counter(-7), "sum")}, tmp_path)
    assert printed.splitlines()[:3] == ["[-5, -7, -30, 117] True True", "3 True 3", "arena: variables cannot be shared"]


@pytest.mark.parametrize("name", ("host", "ref", "unix"))
def test_verify_keeps_the_state(name):
    case = draw.generate("lstm", 3, seed=4)[1]
    network = packed.read(convert_bytes(case.tflite, "lstm"))
    with open_target(name) as target:
        assert verify.verify(network, case.tflite, target, 8).difference is None


@pytest.mark.parametrize("name", ("host", "ref", "unix"))
def test_a_target_starts_afresh_where_it_is_told_to(name):
    network = packed.read(convert_bytes(counter(-7), "sum"))
    x = np.array([[5, 3, -20, 127]] * 2, np.int8)
    with open_target(name) as target:
        (kept,), _ = target.run(network, (x,))
        target.fresh = True
        (fresh,), _ = target.run(network, (x,))
    assert (kept[0] != kept[1]).any() and (fresh[0] == fresh[1]).all() and (fresh[0] == kept[0]).all()


def test_verify_names_the_op_where_a_state_goes_wrong():
    """A wrong first value shows as a difference in the op that reads it."""
    tflite = counter(-7)
    data = bytearray(convert_bytes(tflite, "sum"))
    network = packed.read(bytes(data))
    data[len(data) - 4] ^= 0x80  # the variables' values come last
    data[12:16] = packed.crc32(bytes(data)).to_bytes(4, "little")
    with open_target("host") as target:
        difference = verify.verify(packed.read(bytes(data)), tflite, target, 3).difference
    assert difference is not None and network.ops[0].kernel in difference.op


def test_variables_keep_their_place():
    """Nothing else ever lies where a variable does."""
    b = Builder()
    x = b.input((1, 6, 6, 4), **Q)
    for _ in range(3):
        x = b.conv_2d(x, b.constant(np.ones((4, 3, 3, 4), np.int8), 0.01), **Q)
    handle = b.handle("v")
    y = b.add(x, b.read_variable(handle, (1, 6, 6, 4), **Q), **Q)
    b.assign_variable(handle, y)
    z = b.conv_2d(y, b.constant(np.ones((9, 3, 3, 4), np.int8), 0.01), **Q)
    network = packed.read(convert_bytes(b.finish([z]), "m"))
    (variable,) = network.variables
    inside = range(variable.arena_offset, variable.arena_offset + len(variable.value))
    for t in network.tensors:
        overlaps = t.arena_offset < inside.stop and inside.start < t.arena_offset + t.bytes
        assert not overlaps or (t.arena_offset, t.bytes) == (inside.start, len(inside)), t.name
