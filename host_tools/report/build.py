"""Puts the report together: everything a page or a JSON file needs about one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ..fileformat.packed import Packed
from ..fileformat.ram import PACKAGE_HEAP_BYTES
from . import facts, measured, verdicts

# (key of evaluate's figures, title, digits, whether it is a part shown in %)
FIGURES = (
    ("top1", "right (top-1)", 2, True), ("topk", "among the best {k}", 2, True), ("auc", "AUC", 4, False),
    ("mae", "mean absolute error", 4, False), ("rmse", "root mean squared error", 4, False),
    ("max_error", "largest error", 4, False), ("r2", "R squared", 4, False),
)  # fmt: skip


def build(network: Packed, *, on: str | None = "pico", path: Path | None = None, data: Path | None = None,
          against: Path | None = None, say: Callable[[str], None] = lambda text: None) -> dict:  # fmt: skip
    """Facts for page.render. on: the target whose time is measured, None for no measurement; path: the network's file,
    with data: test data as `fxnn evaluate` takes it; against: the float model. ToolError as those commands."""
    operators = facts.operators(network)
    result = {
        "network": network, "operators": operators, "lives": facts.lives(network), "macs": sum(op.macs for op in operators),
        "measured": None, "times": [], "total_us": 0, "total_cycles": 0, "accuracy": None, "noise": False, "equalized": measured.equalized(network), "place": "the virtual Pico" if on == "pico" else on,
        "package_heap": PACKAGE_HEAP_BYTES, "figure_rows": FIGURES, "bins": facts.BINS,
    }  # fmt: skip
    run = viper = None
    if on:
        from ..targets import open_target

        say(f"measuring on {on}")
        with open_target(on) as target:
            result["measured"] = run = measured.rows(target, network)
            viper = run if run["backend"] == "viper" else measured.rows(target, network, "viper")
        records = run["records"]
        result["times"] = [
            {"us": sum(records[i]["time_us"] for i in op.records), "cycles": sum(records[i]["cycles"] for i in op.records)}
            for op in operators
        ]  # fmt: skip
        result["total_us"] = sum(t["us"] for t in result["times"])
        result["total_cycles"] = sum(t["cycles"] for t in result["times"])
    counted = [measurement["records"] if measurement and on == "pico" else None for measurement in (run, viper)]
    result["verdicts"] = verdicts.judge(network, *counted)  # other targets' cycles are not the Pico's

    dataset = reals = None
    if data and path:
        from ..measure import datasets
        from ..measure.evaluate import evaluate, open_network

        say("measuring accuracy")
        packed, other = open_network(path), open_network(against) if against else None
        dataset = datasets.read(data, packed.input_shapes, how_to=datasets.HOW_TO_TEST)
        result["accuracy"] = evaluate(packed, dataset, "host", other)
    inputs, result["inputs_from"] = measured.samples(network, dataset)
    if against:
        say("running the float model")
        reals = measured.float_tensors(against, network, inputs)
    say("looking at activations")
    found = measured.activations(network, inputs, reals)
    result["noise"] = any(a.sqnr_db is not None for a in found)
    result["activations"] = [{**dataclasses.asdict(a), "title": facts.short(a.tensor)} for a in found]
    return result
