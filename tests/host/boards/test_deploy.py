"""`fxnn deploy`, with the real mpremote, to the emulated Pico: what arrives, what is kept, what is said.

For speed most tests start from a flash image that holds what an earlier deployment left.
"""

import json
import shutil
import struct
import subprocess
import sys

import pytest

from host_tools.boards import board_fs, mpremote_board
from host_tools.boards.deploy import Deployment
from host_tools.boards.mpremote_board import Board, BoardScriptError
from host_tools.compiler.convert import convert_bytes
from host_tools.errors import ToolError
from host_tools.fileformat import packed
from host_tools.package import board_files
from tests.helpers.command_line import fxnn
from tests.helpers.paths import ROOT
from tests.helpers.small_networks import small_network
from tests.helpers.tflite_builder import Builder
from tests.helpers.virtual_boards import WHOLE, package_for, pico

pico_test = pytest.mark.pico
PACKAGE = package_for(convert_bytes(small_network(0), "old"))


def deployed(networks, which="old"):
    return {**PACKAGE, "/models/net.fxnn": getattr(networks, which).read_bytes()}


# ------------------------------------------------------------------------------------------------ what arrives


@pico_test
def test_first_deployment_then_nothing_to_do(tmp_path, networks):
    with pico(tmp_path, {}) as board:
        first = fxnn("deploy", networks.old, "--port", board.port)
        assert first.returncode == 0, first.stderr
        assert "Raspberry Pi Pico" in first.stdout and "self-test passed (3 vectors, thumb kernels)" in first.stdout
        assert "/models/net.fxnn" in first.stdout and "new" in first.stdout
        again = fxnn("deploy", networks.old, "--port", board.port, "--json")
        assert again.returncode == 0, again.stderr
        report = json.loads(again.stdout)
        assert report["copy_bytes"] == 0 and {file["state"] for file in report["files"]} == {"same"}
        assert report["selftest"]["vectors"] == 3
        # The maker's own tools see it too.
        code = "import fxnn; net = fxnn.load('/models/net.fxnn'); print(net.selftest(), net.backend)"
        command = [sys.executable, "-m", "mpremote", "connect", board.port, "exec", code]
        assert subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.split() == ["3", "thumb"]
    assert board.files() == deployed(networks)


@pico_test
def test_only_what_changed_is_copied(tmp_path, networks):
    with pico(tmp_path, deployed(networks)) as board:
        result = fxnn("deploy", networks.new, "--port", board.port, "--json")
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        assert [file["path"] for file in report["files"] if file["state"] != "same"] == ["/models/net.fxnn"]
        assert report["copy_bytes"] == networks.new.stat().st_size
    assert board.files() == deployed(networks, "new")


@pico_test
def test_a_changed_package_is_replaced_whole(tmp_path, networks):
    other = {
        **deployed(networks),
        "/lib/fxnn/report.mpy": b"older",
        "/lib/fxnn/gone.mpy": b"stale",
        **{f"/lib/fxnn/{name}.mpy": b"of a version without folders" for name in ("viper", "viper_conv", "thumb_conv")},
        "/lib/mine.py": b"x = 1",
    }
    with pico(tmp_path, other) as board:
        result = fxnn("deploy", networks.old, "--port", board.port)
        assert result.returncode == 0, result.stderr
        lines = {line.split()[0]: line.split()[-1] for line in result.stdout.splitlines() if line.startswith("/lib")}
        assert lines["/lib/fxnn/report.mpy"] == "changed" and lines["/lib/fxnn/gone.mpy"] == "removed"
        assert lines["/lib/fxnn/viper.mpy"] == lines["/lib/fxnn/thumb_conv.mpy"] == "removed"
        assert lines["/lib/fxnn/viper/__init__.mpy"] == lines["/lib/fxnn/thumb/conv.mpy"] == "same"
        assert lines["/lib/fxnn/file.mpy"] == "same"
    assert board.files() == {**deployed(networks), "/lib/mine.py": b"x = 1"}


@pico_test
def test_each_network_brings_its_kernels(tmp_path, networks):
    """A second network adds its own; the first one's stay, in the version that fits, and both run."""
    second = tmp_path / "tanh.fxnn"
    b = Builder()
    second.write_bytes(convert_bytes(b.finish([b.tanh(b.input((1, 8), scale=0.1))]), "tanh"))
    more = set(package_for(second.read_bytes())) - set(PACKAGE)
    assert more == {"/lib/fxnn/thumb/elementwise.mpy"}
    other = "/lib/fxnn/viper/resize.mpy"
    with pico(tmp_path, {**deployed(networks), "/tanh.fxnn": second.read_bytes(), other: b"older"}) as board:
        with Board(board.port) as raw:
            with pytest.raises(BoardScriptError) as e:
                raw.exec("import fxnn; fxnn.load('/tanh.fxnn')")
            assert e.value.last_line == "ImportError: fxnn: no module named 'fxnn.thumb.elementwise'; run: fxnn deploy"
            with pytest.raises(BoardScriptError, match="'fxnn.ref'; run: fxnn deploy --all-kernels"):
                raw.exec("fxnn.load('/models/net.fxnn', backend='ref')")
        result = fxnn("deploy", second, "--port", board.port, "--json")
        assert result.returncode == 0, result.stderr
        states = {file["path"]: file["state"] for file in json.loads(result.stdout)["files"]}
        assert {path for path, state in states.items() if state == "new"} == {*more, "/models/tanh.fxnn"}
        assert states[other] == "changed" and "removed" not in states.values()
        with Board(board.port) as raw:
            code = "import fxnn\nfor name in ('net', 'tanh'): print(fxnn.load('/models/%s.fxnn' % name).selftest())"
            assert raw.exec(code).split() == ["3", "3"]
            everything = Deployment(raw, second, all_kernels=True).plan.files
            assert {file.path for file in everything} == {*WHOLE, "/models/tanh.fxnn"}
    kept = {**deployed(networks), **{path: WHOLE[path] for path in (*more, other)}}
    assert board.files() == {**kept, "/tanh.fxnn": second.read_bytes(), "/models/tanh.fxnn": second.read_bytes()}


def is_assembler(path: str) -> bool:
    """Of a file on the board: a module of thumb's kernels, which is compiled however the package comes."""
    return "/thumb/" in path and not path.endswith("/__init__.mpy")


@pico_test
def test_source_replaces_mpy(tmp_path, networks):
    with pico(tmp_path, deployed(networks)) as board:
        result = fxnn("deploy", networks.old, "--port", board.port, "--source")
        assert result.returncode == 0, result.stderr
    names = {path for path in board.files() if path.startswith("/lib")}
    assert names == {path if is_assembler(path) else path.replace(".mpy", ".py") for path in PACKAGE}


@pico_test
def test_dry_run_writes_nothing(tmp_path, networks):
    with pico(tmp_path, {"/main.py": b"print('mine')"}) as board:
        result = fxnn("deploy", networks.old, "--port", board.port, "--dry-run")
        assert result.returncode == 0 and "to copy:" in result.stdout, result.stderr
    assert board.files() == {"/main.py": b"print('mine')"}


@pico_test
def test_main_keeps_the_makers_program(tmp_path, networks, monkeypatch):
    ours = [board_files.BoardFile("/boot.py", b"# boot\n"), board_files.BoardFile("/main.py", b"# ours\n")]
    monkeypatch.setattr(board_files, "program_files", lambda *_: ours)
    before = {**deployed(networks), "/main.py": b"# mine\n", "/main.py.bak": b"# mine, earlier\n"}
    with pico(tmp_path, before) as running, Board(running.port) as board:
        deployment = Deployment(board, networks.old, program=True)
        assert deployment.plan.backups == (("/main.py", "/main.py.bak2"),)
        deployment.carry_out()
        again = Deployment(board, networks.old, program=True).plan
        assert not again.write and not again.backups
    after = running.files()
    assert (
        after["/main.py"] == b"# ours\n" and after["/main.py.bak2"] == b"# mine\n" and after["/boot.py"] == b"# boot\n"
    )
    assert after["/main.py.bak"] == b"# mine, earlier\n"


@pico_test
def test_a_tflite_is_converted_for_the_board(tmp_path):
    """... and its main.py loads it and runs."""
    model = tmp_path / "mine.tflite"
    shutil.copy(ROOT / "models/digits/digits.tflite", model)
    with pico(tmp_path, {}) as board:
        result = fxnn("deploy", model, "--labels", ROOT / "models/digits/labels.txt", "--port", board.port, "--main")
        assert result.returncode == 0, result.stderr
        assert "self-test passed" in result.stdout
    files = board.files()
    network = packed.read(files["/models/mine.fxnn"])
    assert network.fast_target == "thumb" and network.labels == tuple("0123456789")
    main = files["/main.py"].decode()
    assert "/models/mine.fxnn" in main and "64 numbers" in main and "net.classify(readings)" in main
    assert not list(tmp_path.glob("*.fxnn"))
    from host_tools.emulators.virtual_pico import run_script

    printed = run_script({p: d for p, d in files.items() if p != "/main.py"}, main, 60)
    assert "<fxnn mine: 6 ops" in printed and "invoke() takes" in printed


def test_labels_are_for_a_tflite():
    result = fxnn(
        "deploy",
        ROOT / "models/digits/digits.fxnn",
        "--labels",
        ROOT / "models/digits/labels.txt",
        "--port",
        "/dev/null",
    )
    assert result.returncode == 1 and "--labels is for a .tflite file" in result.stderr


def test_a_tflite_that_cannot_run_is_told_before_a_board_is_looked_for(tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    result = fxnn("deploy", tmp_path / "bad.tflite", "--port", "/dev/null")
    assert result.returncode == 1 and "bad" in result.stderr and "/dev/null" not in result.stderr


@pico_test
def test_fast_forms_for_another_board_are_noted(tmp_path, networks):
    from host_tools.compiler.convert import convert_bytes

    path = tmp_path / "esp.fxnn"
    path.write_bytes(convert_bytes((ROOT / "models/digits/digits.tflite").read_bytes(), "esp", board="esp32"))
    with pico(tmp_path, {}) as board:
        result = fxnn("deploy", path, "--port", board.port, "--dry-run")
    assert result.returncode == 0 and "xtensa" in result.stdout and "--board pico" in result.stdout


# -------------------------------------------------------------------------------------------- what is kept on failure


def with_wrong_answers(data):
    """The packed file with its first self-test answer changed, and a CRC that fits."""
    network = packed.read(data)
    at = struct.unpack_from("<I", data, 60)[0] + sum(t.bytes for t in network.inputs)
    damaged = bytearray(data)
    damaged[at] ^= 1
    struct.pack_into("<I", damaged, 12, packed.crc32(bytes(damaged)))
    return bytes(damaged)


@pico_test
def test_failing_self_test_leaves_the_old_network(tmp_path, networks):
    wrong = tmp_path / "net.fxnn"
    wrong.write_bytes(with_wrong_answers(networks.new.read_bytes()))
    with pico(tmp_path, deployed(networks)) as board:
        result = fxnn("deploy", wrong, "--port", board.port)
        assert result.returncode == 1 and "Traceback" not in result.stderr.splitlines()[0]
        assert "the self-test failed on the board" in result.stderr
        assert "selftest: vector 0 output 0: got" in result.stderr and "the board keeps what it had" in result.stderr
    assert board.files() == deployed(networks)


@pico_test
def test_broken_package_leaves_the_old_one(tmp_path, networks, monkeypatch):
    broken = [
        board_files.BoardFile(path, b"no mpy" if path.endswith("/network.mpy") else data)
        for path, data in PACKAGE.items()
    ]
    monkeypatch.setattr(board_files, "package_files", lambda *_, **__: broken)
    with pico(tmp_path, deployed(networks)) as running, Board(running.port) as board:
        with pytest.raises(ToolError, match="the self-test failed on the board"):
            Deployment(board, networks.new).carry_out()
    assert running.files() == deployed(networks)


@pico_test
def test_ctrl_c_while_copying_leaves_the_old_network(tmp_path, networks):
    def interrupt(_):
        raise KeyboardInterrupt

    with pico(tmp_path, deployed(networks)) as running, Board(running.port) as board:
        with pytest.raises(KeyboardInterrupt):
            Deployment(board, networks.new).carry_out(interrupt)
    assert running.files() == deployed(networks)


@pico_test
def test_power_loss_between_renames_leaves_a_working_board(tmp_path, networks):
    """The board restarts after each of the renames in turn: each time it finds a package and a network that work."""
    before = {
        **deployed(networks),
        "/lib/fxnn/report.mpy": PACKAGE["/lib/fxnn/stream.mpy"],
    }  # another version of the package
    check = "import fxnn\nnet = fxnn.load('/models/net.fxnn')\nprint(net.selftest(), net.name)"
    with pico(tmp_path, before) as running, Board(running.port) as board:
        deployment = Deployment(board, networks.new)
        steps = deployment.renames()
        deployment.copy(None)
        names = []
        for step in steps[:-1]:
            board_fs.run(board, [step])
            board.reset()
            names.append(board.exec(check).split())
        assert {answer[0] for answer in names} == {"3"}
        assert names[0][1] == "old" and names[-1][1] == "new"
        # What is left behind is tidied up by the next deployment.
        again = Deployment(board, networks.new)
        assert again.plan.leftover and not again.plan.write
        again.carry_out()
    assert running.files() == deployed(networks, "new")


@pico_test
@pytest.mark.parametrize("done", [1, 2])
def test_power_loss_in_the_package_switch_is_finished_next_time(tmp_path, networks, done):
    before = {**deployed(networks), "/lib/fxnn/report.mpy": b"older"}
    with pico(tmp_path, before) as running, Board(running.port) as board:
        deployment = Deployment(board, networks.new)
        deployment.copy(None)
        board_fs.run(board, deployment.renames()[:done])
        board.reset()
        again = Deployment(board, networks.new)
        assert again.plan.leftover and [file.path for file in again.plan.write] == ["/models/net.fxnn"]
        again.carry_out()
    assert running.files() == deployed(networks, "new")


@pico_test
def test_unplugged_while_copying(tmp_path, networks):
    with pytest.raises(ToolError, match="did not stop|crashed|lost|stopped answering") as e:
        with pico(tmp_path, deployed(networks)) as running, Board(running.port) as board:
            with pytest.raises(ToolError, match="lost the board|stopped answering"):
                Deployment(board, networks.new).carry_out(lambda _: running.process.kill())
            raise ToolError("the emulated Pico crashed")  # in case its end is not noticed
    assert e.value.what


@pico_test
def test_a_program_that_prints_without_end(tmp_path, networks):
    """main.py runs when fxnn comes, whatever it catches but Ctrl-C; afterwards it is still there. (Without any pause the
    emulated USB is not served.)"""
    main = b"import time\nwhile True:\n    try:\n        time.sleep_ms(2)\n        print('reading')\n    except Exception:\n        pass\n"
    with pico(tmp_path, {**deployed(networks), "/main.py": main}) as board:
        result = fxnn("deploy", networks.new, "--port", board.port)
        assert result.returncode == 0 and "self-test passed" in result.stdout, result.stderr
    assert board.files() == {**deployed(networks, "new"), "/main.py": main}


@pico_test
def test_a_program_that_catches_ctrl_c(tmp_path, networks, monkeypatch):
    monkeypatch.setattr(mpremote_board, "ANSWER_TIMEOUT_S", 2)
    main = b"from time import sleep_ms\nwhile True:\n    try:\n        while True:\n            sleep_ms(2)\n            print('reading')\n    except:\n        pass\n"
    with pico(tmp_path, {"/main.py": main}) as running:
        with pytest.raises(ToolError, match="does not answer") as e:
            Board(running.port)
        assert "catches Ctrl-C" in e.value.fix
