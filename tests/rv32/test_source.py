"""The assembler sources against themselves and their machine code: registers, encodings, cycles a line, what is shipped."""

import ast
import re
from pathlib import Path

import pytest

from host_tools.assembler import command, rv32
from host_tools.assembler.rv32 import isa, lookup
from host_tools.assembler.rv32.isa import ABI, SAVED
from host_tools.package import mpy
from host_tools.package.board_files import package_files
from tests.rv32 import machine

FOLDER = Path(__file__).parents[2] / "device/fxnn"
FILES = sorted(f"rv32/{path.name}" for path in FOLDER.glob("rv32/[!_]*.py"))
# The labels between which the products are, for which the docstring has a table.
PRODUCTS = {
    "rv32/elementwise.py": ("OUTPUT", "ROW_DONE"),
    "rv32/move.py": ("ROW", "ROW_DONE"),
    "rv32/lookup.py": ("FOUR", "ONES"),
    "rv32/conv.py": ("FIRST_LIST", "SUMS"),
    "rv32/dense.py": ("SEGMENT", "SUMS"),
    "rv32/depthwise.py": ("SIGNED_STRIP_3", "SIGNED_STRIP_DONE"),
}


def function(name: str) -> ast.FunctionDef:
    (node,) = [n for n in ast.parse((FOLDER / name).read_text()).body if isinstance(n, ast.FunctionDef)]
    assert ast.unparse(node.decorator_list[0]) == "micropython.asm_rv32"
    return node


def instructions(name: str) -> list[tuple[str, list]]:
    """(operation, operands): registers and labels as names, numbers as ints, offset(base) as both."""
    found = []
    for statement in function(name).body[1:]:
        call = statement.value
        operands = []
        for a in call.args:
            if isinstance(a, ast.Call):
                operands += [ast.literal_eval(a.func), a.args[0].id]
            else:
                operands.append(a.id if isinstance(a, ast.Name) else ast.literal_eval(a))
        found.append((call.func.id, operands))
    return found


@pytest.mark.parametrize("name", FILES)
def test_machine_code_is_the_source(name):
    code, at, labels = machine.code(name), 0, {}
    placed = []
    for op, args in instructions(name):
        if op == "label":
            labels[args[0]] = at
            continue
        placed.append((op, args, at))
        at += isa.immediate_size(code, at, *args) if op == "li" else isa.size(op)
    assert code[at:] in (b"\x82\x80", b"\x82\x80\0\0"), "c.jr ra ends it"
    for op, args, at in placed:
        if op != "li":
            value = isa.encode(op, args, at, labels)
            assert code[at : at + len(value)] == value, f"{name}: {op} {args} at {at}"


def registers(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:ra|[ast]\d+)\b", text))
    for kind, first, last in re.findall(r"\b([ast])(\d+)-[ast](\d+)\b", text):
        found |= {f"{kind}{i}" for i in range(int(first), int(last) + 1)}
    return found


@pytest.mark.parametrize("name", FILES)
def test_registers(name):
    """Those of the products are the docstring's; gp and tp are the firmware's; what a caller keeps is saved and restored."""
    listed = instructions(name)
    starts = {args[0]: i for i, (op, args) in enumerate(listed) if op == "label"}
    first, last = (starts[label] for label in PRODUCTS[name])
    used = {a for op, args in listed[first:last] if op not in ("label",) for a in args if a in ABI} - {"sp", "zero"}
    table = re.search(r"Uses .*?: (.*?)elsewhere", ast.get_docstring(function(name)), re.DOTALL)[1]
    assert used == registers(table), used ^ registers(table)
    every = {a for op, args in listed for a in args if a in ABI}
    assert not every & {"gp", "tp"}
    frame = [args[-1] for op, args in listed if op in ("addi", "c_addi") and args[0] == "sp"]
    assert len(frame) == 2 and frame[0] == -frame[1] and f"Stack {frame[1]}" in ast.get_docstring(function(name))
    assert all(
        args[0] != "sp"
        for op, args in listed
        if op not in ("addi", "c_addi", "label") and not op.endswith(("sw", "swsp"))
    )
    spots = {
        (args[0], args[1])
        for op, args in listed
        if op in ("sw", "c_swsp") and args[0] in SAVED and (len(args) < 3 or args[2] == "sp")
    }
    restored = [
        (args[0], args[1]) for op, args in listed if op in ("lw", "c_lwsp") and (len(args) < 3 or args[2] == "sp")
    ][-len(SAVED) :]
    assert [r for r, _ in restored] == SAVED and set(restored) <= spots
    assert len({offset for _, offset in restored}) == len(SAVED)
    assert all(offset < min(o for _, o in restored) for op, args in listed if op in ("sw", "c_swsp", "lw", "c_lwsp", "lhu", "lbu")
               and (len(args) < 3 or args[2] == "sp") for offset in [args[1]] if (args[0], offset) not in restored)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_line_counts_its_cycles(name):
    node = function(name)
    for line in (FOLDER / name).read_text().splitlines()[node.body[0].end_lineno : node.end_lineno]:
        assert line.strip().startswith(("label(", "#")) or re.search(r"# (1|2|1-2)(  |$)", line), line


def test_files_are_what_the_descriptions_say(tmp_path, capsys):
    written = {name: command.text(rv32.__name__, family) for family, name in rv32.FILES.items()}
    assert {name: (FOLDER / name).read_text() for name in FILES} == written
    assert "edit" in rv32.__doc__
    # The command names what differs, and writes it.
    (tmp_path / "rv32").mkdir()
    for name in FILES:
        (tmp_path / name).write_text(written[name])
    stale = tmp_path / rv32.FILES["lookup"]
    stale.write_text(stale.read_text() + "# edited\n")

    def run(*arguments: str) -> int:
        return command.main(rv32.__name__, rv32.FILES, list(arguments), tmp_path)

    assert run("--check") == 1 and run("--check", "conv") == 0 and run("convolution") == 2
    said = "rv32/lookup.py is not up to date: python -m host_tools.assembler.rv32 lookup\n"
    assert capsys.readouterr().out == said
    assert run() == 0 and stale.read_text() == written["rv32/lookup.py"] and run("--check") == 0


def test_no_instruction_but_these():
    f = lookup.lut()
    with pytest.raises(AttributeError, match="ldw"):
        f.ldw("t0", 0, "a0")
    with pytest.raises(ValueError, match="not an instruction"):
        isa.encode("c_ldsp", [], 0, {})
    with pytest.raises(ValueError, match="too far"):
        isa.encode("beq", ["t0", "t1", "FAR"], 0, {"FAR": 4096})


def test_no_assembler_function_is_shipped():
    """Espressif's firmware runs no function of that kind: an ESP32-C3 gets viper ones."""
    kinds = {}
    for file in package_files("rv32imc"):
        name = file.path.removeprefix("/lib/fxnn/")
        kinds[name] = [f.kind for f in mpy.read_functions(file.data).all()]
        assert mpy.ASSEMBLER not in kinds[name], name
    for name in FILES:
        assert mpy.VIPER in kinds[name.replace(".py", ".mpy")]
    assert not any(name.startswith("thumb") for name in kinds)
    assert not any(
        f.path.startswith("/lib/fxnn/rv32")
        for arch in ("armv6m", "xtensawin", "x64", None)
        for f in package_files(arch, source=arch is None)
    )
