"""The graph's verifier: each rule is broken once, and named with the pass, the op and the tensor."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from host_tools.compiler import folding, passes, pipeline
from host_tools.floats import float_graph
from host_tools.ir import DONE, MADE, OF_GRAPHS, OF_OPS, OF_TENSORS, READ, Graph, Op, Quant, Tensor, check
from host_tools.ops import table

SCALE = Quant((0.5,), (0,))


def relus(*, tensors=(), ops=None, outputs=("y",)):
    """x -> RELU -> a -> RELU -> y, changed by the caller."""
    known = {id: Tensor(id, (1, 4), "int8", SCALE) for id in "xay"}
    known |= {t.id: t for t in tensors}
    ops = (Op("RELU", "a", ("x",), ("a",)), Op("RELU", "y", ("a",), ("y",))) if ops is None else ops
    return Graph("g", MappingProxyType(known), tuple(ops), ("x",), outputs)


FIRST, SECOND = relus().ops
CONSTANT = Tensor("c", (2,), "int32", data=np.zeros(2, np.int32))
PER_CHANNEL = Tensor("c", (2, 3), "int8", Quant((0.5, 0.5), (0, 0), 1), np.zeros((2, 3), np.int8))
BROKEN = {
    "id": replace(relus(), tensors=MappingProxyType({**relus().tensors, "a": Tensor("b", (1, 4), "int8", SCALE)})),
    "shape": relus(tensors=[Tensor("a", (-1, 4), "int8", SCALE)]),
    "values": relus(tensors=[replace(CONSTANT, shape=(3,))]),
    "scales": relus(tensors=[PER_CHANNEL]),
    "quantized": relus(tensors=[Tensor("a", (1, 4), "int8")]),
    "known": relus(ops=[FIRST, replace(SECOND, outputs=("z",))], outputs=("a",)),
    "order": relus(ops=[SECOND, FIRST]),
    "once": relus(ops=[FIRST, FIRST, SECOND]),
    "axis": relus(ops=[FIRST.with_attrs(axis=2), SECOND]),
    "clamp": relus(ops=[FIRST.with_attrs(clamp=(3, 2)), SECOND]),
    "name": relus(ops=[FIRST, replace(SECOND, name="relu")]),
    "unread": relus(outputs=("a",)),
    "unused": relus(tensors=[CONSTANT]),
}
RULES = {rule.name: rule for rule in (*OF_TENSORS, *OF_OPS, *OF_GRAPHS)}


def test_a_graph_that_breaks_nothing_is_returned():
    graph = relus()
    assert check(graph, "nothing", DONE, relus()) is graph
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_names_the_pass_and_what_is_wrong(name):
    rule = RULES[name]
    with pytest.raises(AssertionError, match=rule.says) as e:
        check(BROKEN[name], "some pass", rule.since)
    assert str(e.value).startswith("some pass: ") and "'" in str(e.value)
    if rule.since > READ:
        check(BROKEN[name], "some pass", rule.since - 1)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.since == MADE])
def test_what_the_model_breaks_is_not_held_against_a_pass(name):
    check(BROKEN[name], "some pass", MADE, before=BROKEN[name])


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.since == DONE])
def test_what_passes_bring_about_is(name):
    with pytest.raises(AssertionError):
        check(BROKEN[name], "some pass", DONE, before=BROKEN[name])


def test_the_network_s_output_is_written():
    with pytest.raises(AssertionError, match="network's output: 'y' is read before"):
        check(relus(ops=[FIRST]))


def test_a_pass_that_breaks_a_rule_is_named():
    def swap(graph):
        return graph.with_ops(reversed(graph.ops))

    with pytest.raises(AssertionError, match="^swap: RELU 'y': 'a' is read before it is written"):
        pipeline.run([pipeline.Pass(swap, "to be caught")], relus())


def test_pipelines_say_why():
    assert all(len(step.reason) > 20 for step in passes.PIPELINE)
    assert len({step.name for step in passes.PIPELINE}) == len(passes.PIPELINE)


def test_substitute_keeps_the_order():
    graph = relus()
    one, two = (Op("ABS", id, ("a",), (id,)) for id in ("p", "q"))
    assert [op.name for op in graph.substitute(FIRST, one, two).ops] == ["p", "q", "y"]
    assert graph.substitute(SECOND).ops == (FIRST,)
    with pytest.raises(ValueError):
        graph.substitute(one, two)


def test_renamed_is_read_everywhere_and_written_as_before():
    graph = relus().renamed("a", "x")
    assert graph.ops[0] == FIRST and graph.ops[1].inputs == ("x",)
    assert relus().renamed("y", "a").outputs == ("a",) and relus().renamed("x", "a").inputs == ("a",)


def test_every_meaning_that_the_op_table_names_is_a_function():
    assert {row.folds for row in table.TABLE.values() if row.folds} == set(folding.FOLDS)
    assert {row.floats for row in table.TABLE.values() if row.floats} == set(float_graph.FUNCTIONS)
