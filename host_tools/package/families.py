"""Which modules of the device package a board needs for a network: those that every network uses, and its kernels' own.

Which family runs a record, the record itself says: record/variants.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import lru_cache

from ..fileformat.packed import Packed
from ..record import variants
from .board_files import module_file, module_names

BACKENDS = ("thumb", "xtensa", "rv32", "viper", "ref")


def all_modules() -> frozenset[str]:
    """Names of the device package's modules: board_files.module_name."""
    return frozenset(module_names())


def needed(networks: Iterable[Packed], arch: str | None, machine: str = "", source: bool = False,
           backend: str | None = None) -> frozenset[str]:  # fmt: skip
    """Names of the modules that a board of this architecture (mpy.py) and machine (sys.implementation._machine) needs.

    source: the package is .py files; backend: the kernels asked for at fxnn.load; None: those that the board picks.
    """
    backend = backend or picked(arch, machine, source)
    names = {name for name in all_modules() if not _of_a_backend(name)} | {backend}
    for network in networks:
        names |= {variants.module(backend, op.kernel, op.words) for op in network.ops}
    return with_imports(names)


def with_imports(names: Iterable[str]) -> frozenset[str]:
    """These modules and those that they import, without the families that only a record asks for."""
    names = more = set(names)
    while more:
        more = {imported for name in more for imported in (*_imports(name), _backend(name))} - names
        names = names | more
    return frozenset(names)


def picked(arch: str | None, machine: str = "", source: bool = False) -> str:
    """The backend that fxnn picks on such a board, as device/fxnn/__init__.py does: `fxnn.backend`. A test compares the two."""
    if arch is None:
        return "ref"  # a port that loads no native code
    if arch.startswith("armv") and arch != "armv6":
        return "thumb"
    assembler = {"xtensawin": "xtensa", "rv32imc": "rv32"}.get(arch, "viper")
    return "viper" if source or "S2" in machine else assembler  # an ESP32-S2 lacks what the kernels use


def _backend(name: str) -> str:
    """The package that a module lies in, and so imports; a module of fxnn itself is its own."""
    return name.partition(".")[0]


def _of_a_backend(name: str) -> bool:
    return _backend(name) in BACKENDS


@lru_cache
def _imports(name: str) -> frozenset[str]:
    """The modules that a backend's module imports: a dispatcher when it is loaded, others at any time."""
    tree = ast.parse(module_file(name).read_text())
    found = set()
    for node in tree.body if name in BACKENDS else ast.walk(tree) if _of_a_backend(name) else ():
        if isinstance(node, ast.ImportFrom) and node.level:
            package = [_backend(name)] if node.level == 1 else []  # 2: of fxnn
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {".".join([*package, imported]) for imported in names} & all_modules()
    return frozenset(found)
