"""The assembler sources against themselves and their machine code: registers, encodings, cycles a line, what is shipped."""

import ast
import re
from pathlib import Path

import pytest

from host_tools import rv32_source
from host_tools.package import mpy
from host_tools.package.board_files import package_files
from host_tools.rv32_source import __main__ as writer
from host_tools.rv32_source.assembler import ABI, SAVED
from tests.rv32 import machine

FOLDER = Path(__file__).parents[2] / "device/fxnn"
FILES = sorted(path.name for path in FOLDER.glob("rv32_*.py"))
NUMBER = {name: i for i, name in enumerate(ABI)}
# The labels between which the products are, for which the docstring has a table.
PRODUCTS = {"rv32_add.py": ("OUTPUT", "ROW_DONE"), "rv32_copy.py": ("ROW", "ROW_DONE"), "rv32_lut.py": ("FOUR", "ONES"), "rv32_conv.py": ("FIRST_LIST", "SUMS"), "rv32_dense.py": ("SEGMENT", "SUMS"), "rv32_depthwise.py": ("SIGNED_STRIP_3", "SIGNED_STRIP_DONE")}


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


def bits(value: int, high: int, low: int = 0) -> int:
    return value >> low & (1 << high - low + 1) - 1


def encode(op: str, args: list, at: int, labels: dict[str, int]) -> tuple[int, int]:
    """(instruction, bytes). The RISC-V Instruction Set Manual, volume I, chapters 24 (RV32IM) and 16 (RVC)."""
    r = [NUMBER.get(a, a) for a in args]
    three = {"add": (0, 0), "sub": (0, 0x20), "sll": (1, 0), "slt": (2, 0), "sltu": (3, 0), "xor": (4, 0), "srl": (5, 0), "sra": (5, 0x20),
             "or_": (6, 0), "and_": (7, 0), "mul": (0, 1), "mulh": (1, 1), "divu": (5, 1)}  # fmt: skip
    if op in three:
        f3, f7 = three[op]
        return f7 << 25 | r[2] << 20 | r[1] << 15 | f3 << 12 | r[0] << 7 | 0x33, 4
    immediate = {"addi": 0, "xori": 4, "ori": 6, "andi": 7}
    if op in immediate:
        return bits(r[2], 11) << 20 | r[1] << 15 | immediate[op] << 12 | r[0] << 7 | 0x13, 4
    if op in ("slli", "srli", "srai"):
        return (op == "srai") << 30 | r[2] << 20 | r[1] << 15 | (1 if op == "slli" else 5) << 12 | r[0] << 7 | 0x13, 4
    if op in ("lb", "lh", "lw", "lbu", "lhu"):
        f3 = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}[op]
        return bits(r[1], 11) << 20 | r[2] << 15 | f3 << 12 | r[0] << 7 | 0x03, 4
    if op in ("sb", "sh", "sw"):
        f3 = {"sb": 0, "sh": 1, "sw": 2}[op]
        return bits(r[1], 11, 5) << 25 | r[0] << 20 | r[2] << 15 | f3 << 12 | bits(r[1], 4) << 7 | 0x23, 4
    if op in ("beq", "bne", "blt", "bge", "bltu", "bgeu"):
        f3 = {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}[op]
        to = labels[r[2]] - at
        assert -4096 <= to < 4096
        return bits(to, 12, 12) << 31 | bits(to, 10, 5) << 25 | r[1] << 20 | r[0] << 15 | f3 << 12 | bits(to, 4, 1) << 8 | bits(to, 11, 11) << 7 | 0x63, 4
    if op == "jal":
        to = labels[r[1]] - at
        return bits(to, 20, 20) << 31 | bits(to, 10, 1) << 21 | bits(to, 11, 11) << 20 | bits(to, 19, 12) << 12 | r[0] << 7 | 0x6F, 4
    if op == "jalr":
        return bits(r[2], 11) << 20 | r[1] << 15 | r[0] << 7 | 0x67, 4
    if op == "la":
        to = labels[r[1]] - at
        upper = (to + 0x800) & 0xFFFFF000
        return upper | r[0] << 7 | 0x17 | (bits(to - upper, 11) << 20 | r[0] << 15 | r[0] << 7 | 0x13) << 32, 8
    if op == "mv":
        return 0x8002 | r[0] << 7 | r[1] << 2, 2
    if op == "c_add":
        return 0x9002 | r[0] << 7 | r[1] << 2, 2
    if op == "c_addi":
        return 0x0001 | bits(r[1], 5, 5) << 12 | r[0] << 7 | bits(r[1], 4) << 2, 2
    if op == "c_slli":
        return 0x0002 | r[0] << 7 | r[1] << 2, 2
    if op in ("c_srli", "c_srai"):
        return 0x8001 | (op == "c_srai") << 10 | r[0] - 8 << 7 | r[1] << 2, 2
    if op in ("c_sub", "c_xor", "c_or", "c_and"):
        return 0x8C01 | ("c_sub", "c_xor", "c_or", "c_and").index(op) << 5 | r[0] - 8 << 7 | r[1] - 8 << 2, 2
    if op == "c_lwsp":
        return 0x4002 | bits(r[1], 5, 5) << 12 | r[0] << 7 | bits(r[1], 4, 2) << 4 | bits(r[1], 7, 6) << 2, 2
    if op == "c_swsp":
        return 0xC002 | bits(r[1], 5, 2) << 9 | bits(r[1], 7, 6) << 7 | r[0] << 2, 2
    if op in ("c_lw", "c_sw"):
        return (0x4000 if op == "c_lw" else 0xC000) | bits(r[1], 5, 3) << 10 | r[2] - 8 << 7 | bits(r[1], 2, 2) << 6 | bits(r[1], 6, 6) << 5 | r[0] - 8 << 2, 2
    raise AssertionError(f"{op}: not an instruction of these sources")


def load_immediate(code: bytes, at: int, register: int, value: int) -> int:
    """Bytes of what was made of li: c.li, addi, c.lui or lui and perhaps (c.)addi. Checks that it gives the value."""
    start, got = at, None
    while got is None or (got ^ value) & 0xFFFFFFFF:
        assert at < start + 8
        low = int.from_bytes(code[at : at + 2], "little")
        if low & 3 == 3:
            word = int.from_bytes(code[at : at + 4], "little")
            assert word >> 7 & 31 == register
            if word & 0x7F == 0x37:
                got = word & 0xFFFFF000
            else:
                assert word & 0x707F == 0x13
                got = (got or 0) + (bits(word, 31, 20) ^ 0x800) - 0x800
                assert word >> 15 & 31 == (register if at > start else 0)
            at += 4
        else:
            assert low >> 7 & 31 == register
            small = (bits(low, 12, 12) << 5 | bits(low, 6, 2)) ^ 32
            small -= 32
            got = {0x4001: small, 0x6001: small << 12, 0x0001: (got or 0) + small}[low & 0xE003]
            at += 2
    return at - start


@pytest.mark.parametrize("name", FILES)
def test_machine_code_is_the_source(name):
    code, at, labels = machine.code(name), 0, {}
    placed = []
    for op, args in instructions(name):
        if op == "label":
            labels[args[0]] = at
            continue
        size = load_immediate(code, at, NUMBER[args[0]], args[1]) if op == "li" else 8 if op == "la" else 2 if op.startswith("c_") or op == "mv" else 4
        placed.append((op, args, at))
        at += size
    assert code[at:] in (b"\x82\x80", b"\x82\x80\0\0"), "c.jr ra ends it"
    for op, args, at in placed:
        if op != "li":
            value, size = encode(op, args, at, labels)
            assert code[at : at + size] == value.to_bytes(size, "little"), f"{name}: {op} {args} at {at}"


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
    table = re.search(r"Uses .*?: (.*?)elsewhere", ast.get_docstring(function(name)), re.S)[1]
    assert used == registers(table), used ^ registers(table)
    every = {a for op, args in listed for a in args if a in ABI}
    assert not every & {"gp", "tp"}
    frame = [args[-1] for op, args in listed if op in ("addi", "c_addi") and args[0] == "sp"]
    assert len(frame) == 2 and frame[0] == -frame[1] and f"Stack {frame[1]}" in ast.get_docstring(function(name))
    assert all(args[0] != "sp" for op, args in listed if op not in ("addi", "c_addi", "label") and not op.endswith(("sw", "swsp")))
    spots = {(args[0], args[1]) for op, args in listed if op in ("sw", "c_swsp") and args[0] in SAVED and (len(args) < 3 or args[2] == "sp")}
    restored = [(args[0], args[1]) for op, args in listed if op in ("lw", "c_lwsp") and (len(args) < 3 or args[2] == "sp")][-len(SAVED) :]
    assert [r for r, _ in restored] == SAVED and set(restored) <= spots
    assert len({offset for _, offset in restored}) == len(SAVED)
    assert all(offset < min(o for _, o in restored) for op, args in listed if op in ("sw", "c_swsp", "lw", "c_lwsp", "lhu", "lbu")
               and (len(args) < 3 or args[2] == "sp") for offset in [args[1]] if (args[0], offset) not in restored)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_line_counts_its_cycles(name):
    node = function(name)
    for line in (FOLDER / name).read_text().splitlines()[node.body[0].end_lineno : node.end_lineno]:
        assert line.strip().startswith(("label(", "#")) or re.search(r"# (1|2|1-2)(  |$)", line), line


def test_files_are_what_the_writer_writes():
    assert {name: (FOLDER / name).read_text() for name in FILES} == writer.files()
    assert "edit" in rv32_source.__doc__


def test_no_assembler_function_is_shipped():
    """Espressif's firmware runs no function of that kind: an ESP32-C3 gets viper ones."""
    kinds = {}
    for file in package_files("rv32imc"):
        kinds[file.name] = [f.kind for f in mpy.read_functions(file.data).all()]
        assert mpy.ASSEMBLER not in kinds[file.name], file.name
    for name in FILES:
        assert mpy.VIPER in kinds[name.replace(".py", ".mpy")]
    assert not any(name.startswith("thumb") for name in kinds)
    assert not any(f.name.startswith("rv32") for arch in ("armv6m", "xtensawin", "x64", None) for f in package_files(arch, source=arch is None))
