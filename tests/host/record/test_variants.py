"""The table of the kernels' modules: what it says is what the device package has, and what a file says is held to it."""

from __future__ import annotations

import ast
import builtins
import struct
from types import FunctionType, SimpleNamespace

import pytest

from host_tools.compiler import convert
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.record import BY_NAME, BYTES, KERNELS, RECORD, WORDS, variants, view
from tests import draw
from tests.helpers.paths import DIGITS, ROOT
from tests.micropython.cases import device_module

DEVICE = ROOT / "device/fxnn"
ZEROS = [0] * WORDS


def kernels_of(backend: str, module: str) -> set[int]:
    """The ids in the table `kernels` of a device file."""
    tree = ast.parse((DEVICE / backend / f"{module}.py").read_text())
    (table,) = [
        n.value
        for n in tree.body
        if isinstance(n, ast.Assign) and [t.id for t in n.targets if isinstance(t, ast.Name)] == ["kernels"]
    ]
    assert isinstance(table, ast.Dict)
    return {key.value for key in table.keys if isinstance(key, ast.Constant)}


@pytest.mark.parametrize("backend", variants.BACKENDS)
def test_every_module_and_kernel_of_the_device_package_is_in_the_table(backend):
    modules = variants.MODULES[backend]
    files = {path.stem for path in (DEVICE / backend).glob("*.py")} - {"__init__"}
    assert set(modules.values()) == files and len(modules) == len(files)
    assert list(modules) == list(range(1, len(modules) + 1))
    for module in files:
        named = {BY_NAME[k].id for rule in variants.RULES[backend] if rule.module == module for k in rule.kernels}
        assert named == kernels_of(backend, module), module


def test_the_board_finds_the_module_of_each_number(monkeypatch):
    """By device/fxnn/viper: the name after the number's letter; nothing for a number that there is not."""
    for name in ("ptr8", "ptr16", "ptr32"):  # viper's types, which CPython meets in annotations
        monkeypatch.setattr(builtins, name, int, raising=False)
    asked = []
    modules = SimpleNamespace(kernels={1: "conv"})
    names = {
        "__builtins__": {"ValueError": ValueError, "__import__": lambda name, *_: asked.append(name) or modules},
        "sys": SimpleNamespace(modules={}),
        "__name__": "fxnn.viper",
        "_MODULES": device_module("viper")._MODULES,
        "_WIDTH": device_module("viper")._WIDTH,
    }
    names["find"] = find = FunctionType(device_module("viper").find.__code__, names)
    for shift, backend in zip((0, 8, 16, 24), variants.BACKENDS, strict=True):
        text = device_module(backend)._MODULES
        for number in range(256):
            asked.clear()
            name = variants.MODULES[backend].get(number)
            if shift or name:
                assert find(1, number << shift | (shift and 1), shift, f"fxnn.{backend}", text) == "conv"
            else:
                with pytest.raises(ValueError, match=f"variant {number} of kernel 1 unknown"):
                    find(1, number, shift, f"fxnn.{backend}", text)
            assert asked == ([f"fxnn.{backend}.{name}"] if name else ["fxnn.viper.conv"] if shift else [])
        asked.clear()  # no kernel of that module, nor of viper's
        with pytest.raises(ValueError, match="model: variant 1 of kernel 2 unknown, update fxnn"):
            find(2, 1 << shift | 1, shift, f"fxnn.{backend}", text)
        assert len(asked) == (2 if shift else 1)


def test_a_record_without_a_module_and_with_a_number_to_come_is_vipers():
    words = [*ZEROS[:-1], 1 | 0 << 8 | 200 << 16 | 1 << 24]
    assert [variants.module(b, "conv_2d", words) for b in variants.BACKENDS] == ["viper.conv", "viper.conv", "viper.conv", "rv32.conv"]  # fmt: skip
    words[RECORD.variants] = 2 << 8 | 1  # depthwise of thumb does not have it
    assert variants.module("thumb", "conv_2d", words) == "viper.conv"
    words[RECORD.variants] = 9
    with pytest.raises(ValueError, match="variant 9 of kernel 1 unknown, update fxnn"):
        variants.module("thumb", "conv_2d", words)


def networks():
    """Drawn models of every op, each for a board of another target, and the digits for all."""
    boards = ("any", "pico", "esp32", "esp32c3")
    for n, op in enumerate(draw.OPS | draw.STATEFUL):
        for i in range(4):
            case = draw.build(op, draw.RandomSource(f"variants/{op}/{i}"), op)
            try:
                yield packed.read(convert.convert_bytes(case.tflite, "net", selftest=0, board=boards[(n + i) % 4]))
            except ToolError:  # what a scale that cannot be makes
                continue
    for board in boards:
        yield packed.read(
            convert.convert_bytes((DIGITS / "digits.tflite").read_bytes(), "digits", selftest=0, board=board)
        )


def test_what_is_converted_says_what_the_table_says():
    """Of every backend; and no packed variant is named that the file is not for."""
    seen = set()
    for network in networks():
        for op in network.ops:
            target = network.fast_target
            assert op.words[RECORD.variants] == variants.variants(op.kernel, op.words, target)
            for backend in ("thumb", "xtensa", "rv32"):
                rules = [r for r in variants.RULES[backend] if r.number == variants.number(backend, op.words)]
                rules = [rule for rule in rules if op.kernel in rule.kernels]
                assert all(not rule.packed for rule in rules) or target == backend
                assert bool(rules) != bool(variants.why_not(backend, op.kernel, op.words, target))
                seen |= {(backend, rule.module) for rule in rules}
            seen.add(("viper", variants.MODULES["viper"][variants.number("viper", op.words)]))
    every = {(backend, module) for backend, modules in variants.MODULES.items() for module in modules.values()}
    assert len(every - seen) < 8, every - seen


def test_a_module_that_would_read_other_words_is_refused():
    """Each number in each byte of each record of a file: taken is 0, what the rules allow, and what only a newer fxnn has."""
    data = convert.convert_bytes((DIGITS / "digits.tflite").read_bytes(), "digits", selftest=0, board="pico")
    network = packed.read(data)
    ops_at = packed.HEADER.unpack_from(data)[7]
    taken, refused = 0, 0
    for op in network.ops:
        for at, backend in enumerate(variants.BACKENDS):
            for number in (*range(24), 255):
                word = op.words[RECORD.variants] & ~(255 << 8 * at) | number << 8 * at
                words = [*op.words[: RECORD.variants], word]
                changed = bytearray(data)
                struct.pack_into("<I", changed, ops_at + BYTES * op.index + 4 * RECORD.variants, word)
                struct.pack_into("<I", changed, 12, packed.crc32(changed))
                allowed = number not in variants.MODULES[backend] and (backend != "viper")
                allowed |= number == variants.number(backend, op.words)
                if (backend, op.kernel, number) == ("thumb", "depthwise_conv_2d", 3):  # any window
                    allowed |= not view(op.kernel, op.words).plane_order
                assert (variants.problem(op.kernel, words, "thumb") is None) == allowed, (op.kernel, backend, number)
                if allowed:
                    packed.read(bytes(changed))
                    taken += 1
                else:
                    with pytest.raises(ToolError, match=f"variant {number} of kernel {BY_NAME[op.kernel].id} unknown"):
                        packed.read(bytes(changed))
                    refused += 1
    assert taken > 50 and refused > 100


def test_numbers_stay():
    """They are in files. A new module is added at the end; none is ever renumbered."""
    assert variants.MODULES["viper"][1] == "conv" and variants.MODULES["viper"][21] == "dense_twos"
    assert variants.MODULES["thumb"] == dict(
        enumerate("conv depthwise depthwise_window int4 dense pool add elementwise".split(), 1)
    )
    assert variants.MODULES["xtensa"] == dict(enumerate("depthwise_window depthwise dense conv elementwise".split(), 1))
    assert variants.MODULES["rv32"] == dict(enumerate("conv dense depthwise elementwise move lookup".split(), 1))


def test_every_kernel_has_a_module_of_viper():
    for kernel in KERNELS:
        assert variants.variants(kernel.name, [kernel.id, *ZEROS[1:]], "none") & 255, kernel.name
