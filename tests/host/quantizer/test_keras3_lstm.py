"""Keras 3's LSTM, which reaches us as a loop: it becomes the one op that computes the same, or stays a loop."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.floats import float_graph
from host_tools.ir import Graph, Op, Tensor
from host_tools.measure import evaluate, metrics
from host_tools.measure.datasets import Dataset
from host_tools.quantizer import Options, loops, prepare, quantize

F = np.float32
OFF = Options(ranges="minmax", equalize="off", bias_correction="off", adaptive="off")
STEPS, INPUTS, UNITS = 6, 4, 5
NONE = {"activation": "NONE"}


class _Ops:
    """A graph by hand: loops have no builder."""

    def __init__(self, name):
        self.name, self.tensors, self.ops = name, {}, []

    def tensor(self, id, shape, dtype="float32", data=None):
        self.tensors[id] = Tensor(id, tuple(shape), dtype, data=data)
        return id

    def constant(self, id, data):
        return self.tensor(id, np.shape(data), str(np.asarray(data).dtype), np.asarray(data))

    def op(self, kind, inputs, *outputs, **attrs):
        """outputs: (id, shape) or (id, shape, dtype)."""
        ids = tuple(self.tensor(*o) for o in outputs)
        self.ops.append(Op(kind, ids[0], tuple(inputs), ids, MappingProxyType(attrs)))
        return ids[0] if len(ids) == 1 else ids

    def graph(self, inputs, outputs):
        return Graph(self.name, MappingProxyType(self.tensors), tuple(self.ops), tuple(inputs), tuple(outputs))


def network(gates=(0, 1, 2, 3), sequences=False):
    """x, a loop as Keras 3 and TensorFlow 2.21 make it of an LSTM, a dense layer. gates: which part of the sums are the
    input, forget, cell and output gate."""
    random = np.random.default_rng(2)
    kept = STEPS if sequences else 1
    states = [
        ("i", (), "int32"),
        ("t", (), "int32"),
        ("list", (kept, 1, UNITS)),
        ("h", (1, UNITS)),
        ("c", (1, UNITS)),
        ("x", (STEPS, 1, INPUTS)),
    ]

    cond = _Ops("condition")
    for s in states:
        cond.tensor(*s)
    end = cond.constant("steps", np.array(STEPS, np.int32))
    both = [cond.op("LESS", [n, end], (f"{n} <", (), "bool")) for n in ("i", "t")]
    condition = cond.graph([s[0] for s in states], [cond.op("LOGICAL_AND", both, ("go on", (), "bool"))])

    b = _Ops("body")
    for s in states:
        b.tensor(*s)
    one = b.constant("one", np.array(1, np.int32))
    i, t = (b.op("ADD", [n, one], (f"{n} + 1", (), "int32"), **NONE) for n in ("i", "t"))
    back = b.op("FULLY_CONNECTED", ["h", b.constant("R", random.normal(size=(4 * UNITS, UNITS)).astype(F) * F(0.5)), None],
                ("Rh", (1, 4 * UNITS)), **NONE)  # fmt: skip
    step = b.op("GATHER", ["x", "t"], ("x at t", (1, INPUTS)), axis=0, batch_dims=0)
    own = b.op(
        "FULLY_CONNECTED",
        [step, b.constant("W", random.normal(size=(4 * UNITS, INPUTS)).astype(F)), None],
        ("Wx", (1, 4 * UNITS)),
        **NONE,
    )
    sums = b.op("ADD", [own, back], ("sums", (1, 4 * UNITS)), **NONE)
    sums = b.op("ADD", [sums, b.constant("b", random.normal(size=4 * UNITS).astype(F))], ("z", (1, 4 * UNITS)), **NONE)
    parts = b.op("SPLIT", [one, sums], *((f"z{n}", (1, UNITS)) for n in range(4)))
    gate_i, gate_f, gate_c, gate_o = (parts[n] for n in gates)
    row = (1, UNITS)
    forgotten = b.op("MUL", [b.op("LOGISTIC", [gate_f], ("f", row)), "c"], ("fc", row), **NONE)
    new = b.op(
        "MUL", [b.op("LOGISTIC", [gate_i], ("in", row)), b.op("TANH", [gate_c], ("g", row))], ("ig", row), **NONE
    )
    c = b.op("ADD", [forgotten, new], ("c'", row), **NONE)
    h = b.op("MUL", [b.op("LOGISTIC", [gate_o], ("o", row)), b.op("TANH", [c], ("tanh c", row))], ("h'", row), **NONE)
    shape = b.constant("shape", np.array([1, 1, UNITS], np.int32))
    kept_now = b.op("RESHAPE", [h, shape], ("item", (1, 1, UNITS)))
    if sequences:
        # what was before, the new item, what is behind: slices whose sizes are computed
        begin, ends, whole = (
            b.constant(n, np.array(v, np.int32))
            for n, v in (("origin", [0, 0, 0]), ("rest", [-1, -1]), ("all", [-1] * 3))
        )
        sizes = b.op("CONCATENATION", [b.op("RESHAPE", ["t", b.constant("row", np.array([1], np.int32))], ("t row", (1,), "int32")), ends],
                     ("before", (3,), "int32"), axis=0, **NONE)  # fmt: skip
        zeros = b.constant("zeros", np.array([0, 0], np.int32))
        starts = b.op(
            "CONCATENATION",
            [b.op("RESHAPE", [t, "row"], ("next row", (1,), "int32")), zeros],
            ("behind", (3,), "int32"),
            axis=0,
            **NONE,
        )
        head = b.op("SLICE", ["list", begin, sizes], ("head", (1, 1, 1)))
        tail = b.op("SLICE", ["list", starts, whole], ("tail", (1, 1, UNITS)))
        kept_now = b.op("CONCATENATION", [head, kept_now, tail], ("list'", (kept, 1, UNITS)), axis=0, **NONE)
    body = b.graph([s[0] for s in states], [i, t, kept_now, h, c, "x"])

    m = _Ops("lstm")
    x = m.tensor("input", (1, STEPS, INPUTS))
    turned = m.op(
        "RESHAPE",
        [x, m.constant("turned shape", np.array([STEPS, 1, INPUTS], np.int32))],
        ("turned", (STEPS, 1, INPUTS)),
    )
    first = [m.constant("zero", np.array(0, np.int32))] * 2 + [
        m.constant(n, np.zeros(s[1], F)) for n, s in zip(("l0", "h0", "c0"), states[2:5])
    ]
    outs = m.op("WHILE", [*first, turned], *((f"loop {s[0]}", *s[1:]) for s in states), condition=condition, body=body)
    flat = m.op(
        "RESHAPE",
        [outs[2], m.constant("flat shape", np.array([1, kept * UNITS], np.int32))],
        ("flat", (1, kept * UNITS)),
    )
    y = m.op(
        "FULLY_CONNECTED",
        [flat, m.constant("dense", random.normal(size=(3, kept * UNITS)).astype(F)), None],
        ("y", (1, 3)),
        **NONE,
    )
    return m.graph([x], [y])


def by_the_loop(graph, x):
    """The network's answers, its loop run as a loop."""
    loop = next(op for op in graph.ops if op.kind == "WHILE")
    found = []
    for sample in x:
        got = loops.run_loop(graph, loop, 5, sample.reshape(1, STEPS, 1, INPUTS))
        found.append(got[2].reshape(-1) @ graph.tensors["dense"].data.T)
    return np.array(found)


@pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
def test_the_loop_becomes_an_lstm(sequences):
    graph = network(sequences=sequences)
    x = np.random.default_rng(1).normal(size=(40, STEPS, INPUTS)).astype(F)
    prepared = prepare.prepare(graph)
    assert [op.kind for op in prepared.ops if op.kind not in ("RESHAPE", "SLICE")] == [
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "FULLY_CONNECTED",
    ]
    want = by_the_loop(graph, x)
    np.testing.assert_allclose(float_graph.run(prepared, [x])[0].reshape(-1, 3), want, atol=1e-4)
    made = quantize(graph, [x], OFF)
    net = evaluate.Network("lstm", packed.read(convert.convert_graph(made.graph, "lstm", selftest=2).data))
    assert [op.kernel for op in net.form.ops][:1] == ["lstm"]
    got = evaluate.answers(net, Dataset((x[:12],)))[0].reshape(12, 3)
    assert metrics.sqnr_db(got, want[:12]) > 25


def test_another_recurrence_stays_a_loop():
    """Gates in another order: the same shapes, another function. It is refused, with the way out."""
    with pytest.raises(ToolError, match="WHILE") as e:
        prepare.prepare(network(gates=(1, 0, 2, 3)))
    assert "unroll=True" in str(e.value)


def test_a_loop_that_does_not_end_is_left_alone():
    graph = network()
    loop = next(op for op in graph.ops if op.kind == "WHILE")
    condition = loop.attrs["condition"]
    forever = condition.with_tensor(replace(condition.tensors["steps"], data=np.array(10**6, np.int32)))
    graph = replace(graph, ops=tuple(op.with_attrs(condition=forever) if op == loop else op for op in graph.ops))
    assert any(op.kind == "WHILE" for op in loops.fuse_lstms(graph).ops)
