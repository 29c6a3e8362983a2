"""A Raspberry Pi Pico without the board: MicroPython's firmware on rp2040py, which counts the M0+'s cycles.

    with VirtualPico() as pico:                 a board that keeps its flash from one start to the next
        subprocess.run(["mpremote", "connect", pico.port, "fs", "ls"])

    run_script({"data.bin": data}, "print(len(open('data.bin', 'rb').read()))", timeout_s=30)

Not emulated: the XIP cache's misses (flash is as fast as RAM), the second core. The board's clocks follow its cycles
at 125 MHz, and it runs 5 to 10 times slower than a real one.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..cache import cache_dir
from ..errors import ToolError
from ..package.boards import BOARDS
from .fast_rp2040py import fast_rp2040py
from .firmware import pico_firmware

# The filesystem of stock RPI_PICO firmware. Source: MicroPython 1.25, ports/rp2: boards/RPI_PICO/mpconfigboard.h
# (MICROPY_HW_FLASH_STORAGE_BYTES, at the end of 2 MB of flash), rp2_flash.c (block size).
FLASH_OFFSET = 0xA0000
BLOCK_BYTES = 4096
IMAGE_BYTES = BOARDS["pico"].filesystem_bytes
BLOCKS = IMAGE_BYTES // BLOCK_BYTES
# modules/_boot.py (progsize) and extmod/vfs_lfs.c (the other defaults, cache = 4 * the larger of read and program).
_LITTLEFS: dict[str, Any] = dict(
    block_size=BLOCK_BYTES,
    block_count=BLOCKS,
    read_size=32,
    prog_size=256,
    cache_size=1024,
    lookahead_size=32,
    name_max=255,
)

# Where run_script puts the script: a console takes 20 to 40 kB/s, an image any amount at once.
_SCRIPT_NAME = ".fxnn_script.py"
_SCRIPT_RAISED = 10  # emulator.py's exit code for a script that ended with an exception
# Boot and enumeration take 0.3 s; a busy machine and the unaccelerated emulator, 5.
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 20


class VirtualPico:
    """An emulated Pico with a serial port; use it in a `with`.

    image: the file its flash filesystem lives in, made (formatted, empty) if it is not there; None:
    cache_dir()/"pico.img". It is locked meanwhile, and written when the board stops.
    firmware: a UF2 file. None: firmware.pico_firmware().
    tcp: the console as a TCP server instead of a pseudo-terminal (where there are none).

    port: what mpremote's `connect` takes, from __enter__ to __exit__. process: the emulator's.

    Raises ToolError: no firmware, the image in use or of a wrong size, an emulator that does not start.
    """

    def __init__(self, image: Path | str | None = None, firmware: Path | str | None = None, tcp: bool = False):
        self.image = Path(image or os.environ.get("FXNN_PICO_IMAGE") or cache_dir() / "pico.img")
        self.firmware = firmware
        self.port = ""
        self._tcp = tcp or os.name != "posix"
        self._exit = contextlib.ExitStack()
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> VirtualPico:
        with contextlib.ExitStack() as stack:
            firmware = pico_firmware(self.firmware)
            stack.enter_context(_locked(self.image))
            if not self.image.exists():
                make_image({}, self.image)
            _check_image(self.image)
            log = stack.enter_context(tempfile.TemporaryFile())
            arguments = [
                "serve",
                "--image",
                str(self.image),
                "--save",
                str(self.image),
                *(["--tcp"] if self._tcp else []),
            ]
            self.process = _start(arguments, firmware, stdin=subprocess.PIPE, stderr=log)
            stack.callback(_kill, self.process)
            self.port = self._read_port(self.process, log)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        with self._exit:  # kills what is left and unlocks the image, however stopping goes
            process = self.process
            assert process and process.stdin
            process.stdin.close()  # asks the emulator to save its flash and end
            try:
                code = process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                raise ToolError("the emulated Pico did not stop", f"its flash was not saved to {self.image}") from None
            finally:
                self.port = ""
            if code:
                raise ToolError(
                    "the emulated Pico crashed", f"exit code {code}", f"is its flash in {self.image} complete?"
                )

    def _read_port(self, process: subprocess.Popen, log) -> str:
        line = _read_line(process, _START_TIMEOUT_S)
        if line:
            return line
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()
        raise ToolError("the emulated Pico did not start", words[-1] if words else "no word from it", "run it again")


def run_script(
    files: dict[str, bytes],
    script: str,
    timeout_s: float,
    on_line: Callable[[str], None] | None = None,
    changed: dict[str, bytes] | None = None,
    firmware: Path | str | None = None,
) -> str:
    """Boots a Pico whose filesystem holds `files`, runs `script` on it and returns what it printed.

    Nothing is kept: each call starts with a fresh board. It costs about 0.6 s besides the script's own time.
    files: contents by path on the board ("lib/fxnn/ref/__init__.mpy"); boot.py and main.py run as they would.
    timeout_s: seconds of this machine's time for all of it. on_line: called with each line printed, as it comes,
    without its end. changed: filled with the files that the script made or altered.
    Raises ToolError, with the board's traceback if the script ended with an exception, with what it had printed
    if it ran out of time.
    """
    firmware = pico_firmware(firmware)
    with tempfile.TemporaryDirectory(prefix="fxnn-pico-") as folder:
        image = Path(folder, "flash.img")
        make_image({**files, _SCRIPT_NAME: script.encode()}, image)
        after = Path(folder, "after.img")
        # execfile keeps the line numbers and compiles from the file: the script is never on the board twice.
        arguments = ["run", "--image", str(image), "--line", f"execfile({_SCRIPT_NAME!r})"]
        if changed is not None:
            arguments += ["--save", str(after)]
        with open(Path(folder, "stderr"), "w+b") as errors:
            process = _start(arguments, firmware, stdin=subprocess.PIPE, stderr=errors)
            try:
                printed = _collect(process, timeout_s, on_line)
                code = process.wait(_STOP_TIMEOUT_S)
            finally:
                _kill(process)
            errors.seek(0)
            error = errors.read().decode(errors="replace").replace("\r\n", "\n").strip()
        if code == _SCRIPT_RAISED:
            last = error.splitlines()[-1] if error else "an exception"
            raise ToolError(f"the script on the emulated Pico ended with {last}", error)
        if code:
            raise ToolError("the emulated Pico crashed", error or f"exit code {code}", _said(printed))
        if changed is not None:
            before = {**files, _SCRIPT_NAME: script.encode()}
            before = {name.strip("/"): bytes(data) for name, data in before.items()}
            changed.update({name: data for name, data in read_image(after).items() if before.get(name) != data})
        return printed


def make_image(files: dict[str, bytes], path: Path | str) -> None:
    """Writes a littlefs image as stock RPI_PICO firmware makes it, holding `files` (contents by path).

    Raises ToolError if they do not fit.
    """
    from littlefs import LittleFS, LittleFSError

    filesystem = LittleFS(mount=False, **_LITTLEFS)
    filesystem.format()
    filesystem.mount()
    for name, data in files.items():
        name = name.strip("/")
        try:
            if "/" in name:
                filesystem.makedirs(name.rpartition("/")[0], exist_ok=True)
            with filesystem.open(name, "wb") as file:
                file.write(bytes(data))
        except LittleFSError as e:
            total = sum(map(len, files.values()))
            raise ToolError(
                f"cannot put {name} ({len(data)} bytes) on the Pico", f"{e}; {total} bytes in all"
            ) from None
    Path(path).write_bytes(filesystem.context.buffer)


def read_image(path: Path | str) -> dict[str, bytes]:
    """The files of a littlefs image, contents by path without a leading slash. Raises ToolError if it is none."""
    from littlefs import LittleFS, LittleFSError

    _check_image(Path(path))
    filesystem = LittleFS(mount=False, **_LITTLEFS)
    filesystem.context.buffer[:] = Path(path).read_bytes()
    try:
        filesystem.mount()
    except LittleFSError as e:
        raise ToolError(f"{path} holds no filesystem", str(e), "delete it, and an empty one is made") from None
    files = {}
    for folder, _, names in filesystem.walk("/"):
        for name in names:
            full = f"{folder.rstrip('/')}/{name}"
            with filesystem.open(full, "rb") as file:
                files[full.strip("/")] = bytes(file.read())
    return files


def _check_image(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as e:
        raise ToolError(f"no filesystem image at {path}", e.strerror or str(e)) from None
    if size != IMAGE_BYTES:
        raise ToolError(
            f"{path} is not a Pico's filesystem", f"{size} bytes, not {IMAGE_BYTES}", "delete it, or name another"
        )


@contextlib.contextmanager
def _locked(image: Path) -> Iterator[None]:
    """Keeps a second board off an image. The lock goes with this process, however that ends."""
    lock = image.with_name(image.name + ".lock")
    try:
        file = open(lock, "w")
    except OSError as e:
        raise ToolError(f"cannot use the image {image}", e.strerror or str(e)) from None
    with file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # Windows
        except BlockingIOError:
            raise ToolError(
                "the emulated Pico is busy", f"its flash {image} is in use", "stop the other program first"
            ) from None
        yield


def _start(arguments: list[str], firmware: Path, **streams) -> subprocess.Popen:
    here = Path(__file__).resolve().parents[2]
    environment = dict(os.environ)
    # A program's own settings for rp2040py would change cycle counts.
    for name in [name for name in environment if name.startswith("RP2040PY_")]:
        del environment[name]
    fast = fast_rp2040py()
    paths = [str(fast)] if fast else []
    environment["PYTHONPATH"] = os.pathsep.join([*paths, str(here)])
    layout = f"{FLASH_OFFSET},{BLOCKS},{BLOCK_BYTES}"
    command = [
        sys.executable,
        "-m",
        f"{__package__}.emulator",
        *arguments,
        "--firmware",
        str(firmware),
        "--layout",
        layout,
    ]
    # A session of its own: Ctrl-C in the terminal reaches this program, which then stops the board in good order.
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, cwd=here, start_new_session=True, **streams
    )


def _kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


def _chunks(process: subprocess.Popen, timeout_s: float) -> Iterator[bytes]:
    """What the process prints until it closes its stdout. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    assert process.stdout
    fd = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError
            data = os.read(fd, 1 << 16)
            if not data:
                return
            yield data


def _read_line(process: subprocess.Popen, timeout_s: float) -> str:
    """The first line the process prints; empty if it ends or the time is up before it is complete."""
    data = b""
    with contextlib.suppress(TimeoutError):
        for chunk in _chunks(process, timeout_s):
            data += chunk
            if b"\n" in data:
                return data.split(b"\n")[0].decode().strip()
    return ""


def _collect(process: subprocess.Popen, timeout_s: float, on_line: Callable[[str], None] | None) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces: list[str] = []
    rest = ""
    try:
        for data in _chunks(process, timeout_s):
            # MicroPython's console ends lines with \r\n; a \r alone is left as the script wrote it.
            pieces.append(decoder.decode(data))
            if on_line:
                *lines, rest = (rest + pieces[-1]).split("\n")
                for line in lines:
                    on_line(line.rstrip("\r"))
    except TimeoutError:
        said = _said("".join(pieces))
        raise ToolError(f"the script on the emulated Pico was not done after {timeout_s:g} s", said) from None
    if on_line and rest:
        on_line(rest)
    return "".join(pieces).replace("\r\n", "\n")


def _said(printed: str) -> str:
    lines = printed.strip().splitlines()
    return "it had printed:\n" + "\n".join(lines[-10:]) if lines else "it had printed nothing"
