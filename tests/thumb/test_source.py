"""The assembler sources against themselves: registers against docstrings, data() against the mnemonic beside it."""

import ast
import re
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[2] / "device/fxnn").glob("thumb_*.py"))
SPECIAL = {"sp": 13, "lr": 14, "pc": 15}


def number(name: str) -> int:
    return SPECIAL[name] if name in SPECIAL else int(name[1:])


def mask(names: str) -> int:
    return sum(1 << number(n.strip()) for n in names.split(","))


def encode(text: str) -> int:
    """One Thumb instruction of those that asm_thumb lacks. ARMv6-M Architecture Reference Manual, A6.7."""
    text = text.strip()
    if text == "nop":  # mov r8,r8
        return 0x46C0
    op, _, rest = text.partition(" ")
    multiple = re.fullmatch(r"(r\d)!,\{(.+)\}", rest)
    if multiple:
        return {"ldm": 0xC800, "stm": 0xC000}[op] | number(multiple[1]) << 8 | mask(multiple[2])
    indexed = re.fullmatch(r"(r\d),\[(r\d),(r\d)\]", rest)
    if indexed:
        t, n, m = (number(g) for g in indexed.groups())
        return {"str": 0x5000, "ldrsb": 0x5600, "ldr": 0x5800, "ldrb": 0x5C00, "ldrsh": 0x5E00}[op] | m << 6 | n << 3 | t
    stack = re.fullmatch(r"(r\d),\[sp,#(\d+)\]", rest)
    if stack:
        assert int(stack[2]) % 4 == 0
        return {"str": 0x9000, "ldr": 0x9800}[op] | number(stack[1]) << 8 | int(stack[2]) // 4
    frame = re.fullmatch(r"sp,#(\d+)", rest)
    if frame:
        return {"add": 0xB000, "sub": 0xB080}[op] | int(frame[1]) // 4
    if op == "bx":
        return 0x4700 | number(rest) << 3
    d, m = (number(n) for n in rest.split(","))
    if op in ("rev", "rev16"):
        return 0xBA00 | ("rev", "rev16").index(op) << 6 | m << 3 | d
    if op in ("sxth", "sxtb", "uxth", "uxtb"):
        return 0xB200 | ("sxth", "sxtb", "uxth", "uxtb").index(op) << 6 | m << 3 | d
    return {"add": 0x4400, "cmp": 0x4500, "mov": 0x4600}[op] | (d & 8) << 4 | m << 3 | d & 7


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_data_is_what_its_comment_says(path):
    lines = [line for line in path.read_text().splitlines() if "data(" in line]
    for line in lines:
        value, text = re.fullmatch(r"    data\(2, 0x([0-9A-F]{4})\) +# \d+  (.*?)(?:  \*\* .*)?", line).groups()
        assert encode(text) == int(value, 16), line
    assert lines


def expand(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:r\d+|lr)\b", text))
    for first, last in re.findall(r"\br(\d+)(?:-| to )r(\d+)\b", text):
        found |= {f"r{i}" for i in range(int(first), int(last) + 1)}
    return found


def functions():
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and ast.unparse(node.decorator_list[0]) == "micropython.asm_thumb":
                yield path, node


@pytest.mark.parametrize("path, node", functions(), ids=lambda v: getattr(v, "name", ""))
def test_registers_are_those_of_the_docstring(path, node):
    source = "\n".join(path.read_text().splitlines()[node.body[0].end_lineno : node.end_lineno])
    source = re.sub(r"(?m)^ +# .*|  \*\* .*", "", source)
    source = re.sub(r"(?s)label\(TEMPLATE\).*?label\(START\)", "", source)  # code that is copied, not run
    used = expand(source)
    saved = {"r8", "r9", "r10", "r11"} & used
    assert used == expand(ast.get_docstring(node)), used ^ expand(ast.get_docstring(node))
    # The caller's r8 to r11 are pushed first and popped last: r4-r7 are asm_thumb's to save.
    if saved:
        pushes = re.findall(r"push\(\{(.*?)\}\)", source)
        assert len(pushes) == 1 == len(re.findall(r"pop\(\{", source)) and saved == {"r8", "r9", "r10", "r11"}
    frame = re.findall(r"(add|sub) sp,#(\d+)", source)
    assert not frame or (len(frame) == 2 and frame[0][1] == frame[1][1])


@pytest.mark.parametrize("path, node", functions(), ids=lambda v: getattr(v, "name", ""))
def test_every_line_counts_its_cycles(path, node):
    for line in path.read_text().splitlines()[node.body[0].end_lineno : node.end_lineno]:
        assert not line.strip() or line.strip().startswith(("label(", "#")) or re.search(r"# \d+(  |$)", line), line
