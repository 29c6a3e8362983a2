"""QEMU's options for each target, from what QEMUs of several releases say of themselves, and from the one at hand."""

import subprocess
from dataclasses import replace

import pytest

from host_tools.emulators import qemu
from host_tools.errors import ToolError
from tests.helpers.qemu_texts import RECORDED, SAID

CPU = {
    "7.2.22": "rv32,f=off,d=off,zba=off,zbb=off,zbc=off,zbs=off",
    "8.2.2": "rv32,f=off,d=off,zfa=off,zawrs=off,zba=off,zbb=off,zbc=off,zbs=off,zicbom=off,zicboz=off",
    "9.2.4": "rv32,f=off,d=off,zfa=off,zawrs=off,zba=off,zbb=off,zbc=off,zbs=off,zicbom=off,zicbop=off,zicboz=off",
}
CPU["10.0.13"] = CPU["11.1.3"] = CPU["9.2.4"]


def after(name: str, options: list[str]) -> str:
    return options[options.index(name) + 1]


@pytest.mark.parametrize("release", CPU)
def test_rv32_names_what_the_release_offers(release):
    options = qemu.options("qemu-rv32", SAID["qemu-rv32"][release])
    assert after("-cpu", options) == CPU[release]
    assert after("-icount", options) == "shift=0,sleep=off"  # a nanosecond an instruction: instret counts them


@pytest.mark.parametrize("release", CPU)
def test_xtensa_asks_for_one_instruction_a_block(release):
    options = qemu.options("qemu-xtensa", SAID["qemu-xtensa"][release])
    assert after("-cpu", options) == "de233_fpu" and after("-icount", options) == "shift=6"
    if release == "7.2.22":
        assert "-singlestep" in options and "-accel" not in options
    else:  # 8.2 has both and warns of the old one
        assert after("-accel", options) == "tcg,one-insn-per-tb=on" and "-singlestep" not in options


@pytest.mark.parametrize("release", CPU)
@pytest.mark.parametrize("target", SAID)
def test_a_release_that_lacks_nothing(target, release):
    said = SAID[target][release]
    assert said.release == release and qemu.lacks(target, said) == []


@pytest.mark.parametrize("target, change, lacking", [
    ("qemu-rv32", {"cpus": "any\nsifive-e31\n"}, "the CPU rv32"),
    ("qemu-rv32", {"properties": frozenset()}, "a list of the CPU's extensions"),
    ("qemu-rv32", {"help": "-accel [accel=]accelerator\n"}, "-icount"),
    ("qemu-xtensa", {"cpus": "Available CPUs:\n  dc232b\n", "help": ""}, "the CPU de233_fpu, -icount"),
    ("qemu-xtensa", {"help": "-icount [shift=N|auto]\n"}, "one instruction a block (-accel tcg,one-insn-per-tb=on)"),
])  # fmt: skip
def test_a_qemu_that_lacks_something_is_named_with_it(target, change, lacking):
    said = replace(SAID[target]["10.0.13"], **change)
    with pytest.raises(ToolError) as caught:
        qemu.options(target, said)
    assert caught.value.what == f"{target}: QEMU 10.0.13 lacks {lacking}" and "FXNN_QEMU" in caught.value.fix


def program(folder, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


REPLIES = """\
{"QMP": {"version": {"qemu": {"micro": 9, "minor": 9, "major": 99}, "package": ""}, "capabilities": ["oob"]}}
{"return": {}}
{"return": [{"name": "zfa", "type": "bool"}, {"name": "d", "type": "bool"}, {"name": "zq", "type": "bool"}]}
{"return": {}}
"""


def test_a_program_is_asked_and_fxnn_says_what_it_found(tmp_path, monkeypatch):
    program(tmp_path, "qemu-system-riscv32", f"""case "$1 $2" in
"-version ") echo "QEMU emulator version 99.9.9" ;;
"-cpu help") echo "Available CPUs:"; echo "  rv32" ;;
"-help ") echo "-icount [shift=N]" ;;
"-machine none") cat >/dev/null; cat <<'END'
{REPLIES}END
;;
esac
""")  # fmt: skip
    monkeypatch.setenv("FXNN_QEMU", str(tmp_path))
    command = qemu.command("qemu-rv32")
    assert command[0] == str(tmp_path / "qemu-system-riscv32") and after("-cpu", command) == "rv32,d=off,zfa=off"
    assert qemu.about("qemu-rv32") == f"QEMU 99.9.9 ({tmp_path}/qemu-system-riscv32), lacks nothing"
    assert (
        qemu.about("qemu-xtensa")
        == qemu.why_not("qemu-xtensa")
        == f"qemu-system-xtensa is not in {tmp_path} (FXNN_QEMU)"
    )


def test_a_program_that_does_not_run(tmp_path, monkeypatch):
    program(tmp_path, "qemu-system-xtensa", "echo loading >&2; echo 'error while loading shared libraries: libslirp.so.0' >&2; exit 127\n")  # fmt: skip
    monkeypatch.setenv("FXNN_QEMU", str(tmp_path))
    with pytest.raises(ToolError, match="libslirp.so.0"):
        qemu.about("qemu-xtensa")


@pytest.mark.parametrize("target", SAID)
def test_the_one_at_hand_starts_with_its_options(target):
    """Its own words are what the texts here stand for, and it takes the options: it ends when it is told to."""
    if qemu.why_not(target):
        pytest.skip(qemu.why_not(target))
    said = qemu.ask(qemu.program_of(target))
    if said.release in RECORDED:
        recorded = SAID[target][said.release]
        assert set(recorded.cpus.split()) == set(said.cpus.split()) and recorded.properties <= said.properties
        assert all(line in said.help for line in recorded.help.splitlines())
    command = [*qemu.command(target), "-S"]
    command[command.index("-monitor") + 1] = "stdio"
    command[command.index("-serial") + 1] = "none"
    done = subprocess.run(command, input="quit\n", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
