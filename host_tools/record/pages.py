"""What FORMAT.md says of the schema: its blocks, as tables in Markdown."""

from __future__ import annotations

from .kernels import BY_NAME
from .variants import BACKENDS, MODULES, RULES


def block(what: str) -> list[str]:
    """The lines of a block of the page. ValueError for one that nothing is known of."""
    if what == "modules":
        return _modules()
    raise ValueError(f"models/FORMAT.md: nothing is known to write as {what}")


def _modules() -> list[str]:
    """A row a number: which module it is in each backend, with the ids of the kernels that the module runs."""
    lines = [f"| number | {' | '.join(BACKENDS)} |", "|---" * (1 + len(BACKENDS)) + "|"]
    for number in range(1, 1 + max(max(modules) for modules in MODULES.values())):
        lines.append(f"| {number} | {' | '.join(_module(backend, number) for backend in BACKENDS)} |")
    return lines


def _module(backend: str, number: int) -> str:
    if number not in MODULES[backend]:
        return ""
    ids = {BY_NAME[kernel].id for rule in RULES[backend] if rule.number == number for kernel in rule.kernels}
    return f"{MODULES[backend][number]}: {', '.join(map(str, sorted(ids)))}"
