"""Which modules of the device package a board needs for a network: those that every network uses, and its kernels' own.

Which family runs a record is decided on the board, by the functions `kernel` of device/fxnn/{thumb,xtensa,rv32,viper,ref},
and which of these, by __init__.py. Here the very same code is run, with stand-ins for what it would import: so there is
no second table that could differ from it.
"""

from __future__ import annotations
import __future__

import ast
import builtins
from collections.abc import Iterable
from functools import lru_cache
from types import SimpleNamespace

from ..fileformat.packed import FAST_TARGET_IDS, Packed
from ..record import BY_NAME
from .board_files import module_file, module_names
from .mpy import ARCHITECTURES

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
        target = FAST_TARGET_IDS[network.fast_target]
        for op in network.ops:
            names.add(_family(backend, BY_NAME[op.kernel].id, op.words, target))
    return with_imports(names)


def with_imports(names: Iterable[str]) -> frozenset[str]:
    """These modules and those that they import, without the families that only a record asks for."""
    names = more = set(names)
    while more:
        more = {imported for name in more for imported in (*_imports(name), _backend(name))} - names
        names = names | more
    return frozenset(names)


@lru_cache
def picked(arch: str | None, machine: str = "", source: bool = False) -> str:
    """The backend that fxnn picks on such a board: `fxnn.backend`."""
    number = next((n for n, name in ARCHITECTURES.items() if name == arch), 0)
    implementation = SimpleNamespace(_mpy=number << 10, _machine=machine)
    sys = SimpleNamespace(implementation=implementation)
    return _run("__init__", {"__file__": "__init__.py" if source else "__init__.mpy"}, {"sys": sys})["backend"]


def _backend(name: str) -> str:
    """The package that a module lies in, and so imports; a module of fxnn itself is its own."""
    return name.partition(".")[0]


def _of_a_backend(name: str) -> bool:
    return _backend(name) in BACKENDS


def _family(backend: str, id: int, words, target: int) -> str:
    """The module whose kernel the board's dispatch takes for a record."""
    return _dispatch(backend)["kernel"](id, words, target)


@lru_cache
def _dispatch(backend: str) -> dict:
    return _run(backend)


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


class _Family:
    """Stands for a module of kernels: whichever is asked for, the answer is its name in the device package."""

    def __init__(self, name: str):
        self.kernels = self
        self._name = name

    def __getitem__(self, id: int) -> str:
        return self._name


def _run(name: str, names: dict | None = None, modules: dict | None = None) -> dict:
    """The namespace of a device module that was run here with stand-ins for the board's modules and for its siblings."""
    board = {
        "micropython": SimpleNamespace(viper=lambda f: f, native=lambda f: f, const=lambda n: n),
        **(modules or {}),
    }

    def stand_in(name, globals=None, locals=None, fromlist=(), level=0):
        if name.startswith("fxnn."):  # by a call of __import__
            return _Family(name[len("fxnn.") :])
        if not level:
            return board[name] if name in board else __import__(name, None, None, fromlist)
        if name in BACKENDS:
            return SimpleNamespace(**_dispatch(name))
        return family(name) if name else SimpleNamespace(**{sibling: family(sibling) for sibling in fromlist})

    def family(sibling):
        return _Family(f"{package}.{sibling}")

    package, path = name, module_file(name)
    code = compile(
        path.read_text(), str(path), "exec", __future__.annotations.compiler_flag, True
    )  # ptr8 is no name here
    known = {**vars(builtins), "__import__": stand_in, "const": lambda n: n}  # the compiler knows const
    space = {"__name__": f"fxnn.{name}", "__builtins__": known, **(names or {})}
    exec(code, space)
    return space
