"""ops/table.py holds together: its rows, the schema of TensorFlow Lite, and the functions that are registered for them."""

import numpy as np
import pytest
import tflite

from host_tools.floats import float_graph
from host_tools.ops import lowering, table
from host_tools.ops.core import LOWER, LOWER_16, LOWER_32
from host_tools.ops.lookup import TABLES
from host_tools.readers import tflite as reader
from host_tools.record import BY_NAME

BUILTIN = {name for name in vars(tflite.BuiltinOperator) if name.isupper()}


def _families(registered):
    return {kind: function.__module__.rpartition(".")[2] for kind, function in registered.items()}


def test_every_row_that_is_lowered_has_a_function_in_its_family_and_the_other_way_round():
    assert _families(LOWER) == {kind: row.family for kind, row in table.TABLE.items() if row.family}


@pytest.mark.parametrize("registered, column", ((LOWER_16, "int16"), (LOWER_32, "int32")))
def test_so_have_int16_and_integers(registered, column):
    assert _families(registered) == {kind: getattr(table.TABLE[kind], column) for kind in table.kinds(column)}


def test_kinds_are_those_of_tensorflow_lite():
    for kind in table.TABLE:
        assert kind in BUILTIN or kind.startswith("CUSTOM:") or kind == "TABLE", kind


def test_attributes_are_fields_of_the_options_table():
    for kind, row in table.TABLE.items():
        assert bool(row.options) == bool(row.attributes), kind
        if row.options:
            assert tuple(reader.attributes(row, None)) == row.attributes, kind


def test_functions_and_families_are_known():
    for kind, row in table.TABLE.items():
        assert set(row.functions) <= set(BY_NAME), kind
        assert not row.numpy or callable(getattr(np, row.numpy)), kind
        assert not row.swaps or row.functions
        assert row.shape in ("", "same", "size", "broadcast"), kind
    assert {row.family for row in table.TABLE.values() if row.family} <= {k.family for k in BY_NAME.values()}


def test_tables_are_the_kinds_that_say_so():
    assert set(TABLES) == table.kinds("table")


def test_what_has_a_rule_has_a_float_meaning():
    """The quantizer calibrates with it."""
    assert table.kinds("rule") <= set(float_graph.OPS)
    assert table.kinds("floats") == set(float_graph.OPS)


def test_a_kind_without_row_has_nothing_set():
    row = table.row("NO_SUCH_OP")
    assert row == table.Row("") and not row.lowered and not row.linear and not row.takes_activation


def test_kinds_of_a_column_count_an_axis_or_input_of_0():
    assert "RESHAPE" in table.kinds("moves") and "SPLIT" in table.kinds("moves") and "ADD" not in table.kinds("moves")
    assert "CONV_2D" in table.kinds("out_axis") and table.kinds("out_axis") == table.kinds("linear")


def test_supported_is_what_is_lowered_or_resolved():
    assert set(lowering.supported()) == table.kinds("lowered") | table.kinds("resolved")
