"""The assembler sources against their descriptions and against themselves: registers against docstrings, data() against
the mnemonic beside it, cycles against the instruction."""

import ast
import re
from pathlib import Path

import pytest

from host_tools.assembler import command, thumb
from host_tools.assembler.thumb import isa

FILES = sorted((Path(__file__).parents[2] / "device/fxnn/thumb").glob("[!_]*.py"))
DATA = re.compile(r"    data\(2, 0x([0-9A-F]{4})\) +# \d+  (.*?)(?:  \*\* .*)?")


def test_every_file_has_a_description():
    assert sorted(thumb.FILES.values()) == [f"thumb/{path.name}" for path in FILES]


@pytest.mark.parametrize("family", thumb.FILES)
def test_files_are_what_their_descriptions_write(family, capsys):
    assert command.main(thumb.__name__, thumb.FILES, ["--check", family]) == 0, capsys.readouterr().out


def test_a_changed_file_is_found_and_a_family_that_is_none_refused(tmp_path, capsys):
    def main(arguments: list[str]) -> int:
        return command.main(thumb.__name__, thumb.FILES, arguments, tmp_path)

    assert main(["add"]) == 0 and main(["--check", "add"]) == 0
    written = tmp_path / thumb.FILES["add"]
    written.write_text(written.read_text().replace("add(r0, 1)", "add(r0, 2)"))
    assert main(["--check", "add"]) == 1
    assert main(["add"]) == 0 and main(["--check", "add"]) == 0
    assert main(["--check", "adds"]) == 2 and "no family adds" in capsys.readouterr().err


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_data_is_what_its_comment_says(path):
    lines = [line for line in path.read_text().splitlines() if "data(" in line]
    for line in lines:
        value, text = DATA.fullmatch(line).groups()
        assert isa.encode(isa.parse(text)) == int(value, 16), line
    assert lines


# Of ARMv6-M Architecture Reference Manual, A6.7, one of each kind that asm_thumb lacks.
ENCODINGS = {
    "nop": 0x46C0, "bx lr": 0x4770, "ldm r6!,{r1,r7}": 0xCE82, "stm r7!,{r1,r2,r3,r5}": 0xC72E,
    "ldrsb r4,[r0,r1]": 0x5644, "ldrsh r7,[r5,r7]": 0x5FEF, "ldrb r5,[r2,r5]": 0x5D55, "ldr r4,[r3,r4]": 0x591C,
    "str r1,[r2,r3]": 0x50D1, "ldr r1,[sp,#16]": 0x9904, "str r3,[sp,#28]": 0x9307, "rev r1,r2": 0xBA11,
    "rev16 r4,r2": 0xBA54, "sxth r5,r4": 0xB225, "sxtb r1,r4": 0xB261, "uxth r5,r4": 0xB2A5, "uxtb r0,r1": 0xB2C8,
    "add sp,#40": 0xB00A, "sub sp,#40": 0xB08A, "add r8,r2": 0x4490, "add r2,r8": 0x4442, "add pc,r4": 0x44A7,
    "cmp r1,r12": 0x4561, "cmp r8,r1": 0x4588, "mov r3,pc": 0x467B, "mov pc,r1": 0x468F,
}  # fmt: skip


@pytest.mark.parametrize("text", ENCODINGS)
def test_encodings(text):
    assert isa.encode(isa.parse(text)) == ENCODINGS[text]
    assert isa.mnemonic(isa.parse(text)) == text


@pytest.mark.parametrize(
    "instruction",
    [
        ("ldr", "r0", "r1", 128),
        ("ldr", "r0", "r1", 2),
        ("ldrb", "r0", "r1", 32),
        ("ldrh", "r0", "r1", 3),
        ("ldrsb", "r0", "r1", 4),
        ("ldr", "r8", "r1", 4),
        ("str", "r0", "r8", 0),
        ("add", "r0", 256),
        ("add", "r0", "r1", 8),
        ("sub", "r0", "r8"),
        ("sub", "sp", 6),
        ("mul", "r0", "r9"),
        ("lsl", "r0", "r1", 32),
        ("mov", "r8", 1),
        ("cmp", "r8", 1),
        ("ldm", "r0", "r1 r8"),
        ("push", "r1 lr"),
        ("ldrd", "r0", "r1", 0),
    ],
    ids=str,
)
def test_what_the_core_has_not_is_refused(instruction):
    with pytest.raises(ValueError, match="no such instruction"):
        isa.normal(*instruction)


def expand(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:r\d+|lr)\b", text))
    for first, last in re.findall(r"\br(\d+)(?:-| to )r(\d+)\b", text):
        found |= {f"r{i}" for i in range(int(first), int(last) + 1)}
    return found


def functions():
    return [
        (path, node)
        for path in FILES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and ast.unparse(node.decorator_list[0]) == "micropython.asm_thumb"
    ]


def statements(path: Path, node: ast.FunctionDef) -> list[tuple[str, isa.Instruction]]:
    """(line, instruction) for each of a function."""
    lines = path.read_text().splitlines()
    found = []
    for statement in node.body[1:]:
        call, line = statement.value, lines[statement.lineno - 1]
        if call.func.id == "data":
            instruction = isa.parse(DATA.fullmatch(line)[2])
        else:
            instruction = call.func.id, tuple(part for arg in call.args for part in operand(arg))
        found.append((line, instruction))
    return found


def operand(arg) -> list:
    if isinstance(arg, ast.Set):
        return [tuple(r.id for r in arg.elts)]
    if isinstance(arg, ast.List):
        return [part for inner in arg.elts for part in operand(inner)]
    return [arg.id if isinstance(arg, ast.Name) else arg.value]


@pytest.mark.parametrize("path, node", functions(), ids=lambda v: getattr(v, "name", ""))
def test_registers_are_those_of_the_docstring(path, node):
    instructions = [instruction for _, instruction in statements(path, node)]
    labels = [instruction[1] if instruction[0] == "label" else () for instruction in instructions]
    if ("TEMPLATE",) in labels:  # code that is copied, not run
        del instructions[labels.index(("TEMPLATE",)) : labels.index(("START",))]
    used = set().union(*(reads | writes for reads, writes in map(isa.registers, instructions))) - {"sp"}
    assert used == expand(ast.get_docstring(node)), used ^ expand(ast.get_docstring(node))
    # The caller's r8 to r11 are pushed first and popped last: r4-r7 are asm_thumb's to save.
    saved = {"r8", "r9", "r10", "r11"} & used
    if saved:
        assert [op for op, _ in instructions if op in ("push", "pop")] == ["push", "pop"]
        assert saved == {"r8", "r9", "r10", "r11"}
    frame = [args for op, args in instructions if op in ("add", "sub") and args[0] == "sp"]
    assert not frame or (len(frame) == 2 and frame[0] == frame[1])
    used_of_stack = 4 * len(saved) + (frame[0][1] if frame else 0)
    assert int(re.search(r"Stack (\d+)", ast.get_docstring(node))[1]) == used_of_stack


@pytest.mark.parametrize("path, node", functions(), ids=lambda v: getattr(v, "name", ""))
def test_every_line_counts_its_cycles(path, node):
    for line, instruction in statements(path, node):
        if instruction[0] == "label":
            continue
        assert int(re.search(r"# (\d+)(?:  |$)", line)[1]) == isa.cycles(instruction), line
        assert isa.normal(instruction[0], *instruction[1]) == instruction, line
        assert line.strip().startswith(isa.source(instruction)[0]), line
