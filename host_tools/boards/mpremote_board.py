"""One MicroPython board on a serial port, spoken to with mpremote's own transport; every failure a clear ToolError."""

from __future__ import annotations

import ast
import codecs
import contextlib
import errno
import io
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from ..errors import ToolError

# A board that is there answers the first prompt within this; the emulated one, on a busy machine, takes longest.
ANSWER_TIMEOUT_S = 15
_INTERRUPT_EVERY_S = 0.5
# What is on its way to the board at any time. It waits for it in a loop, so a serial chip's small buffer suffices.
WRITE_BYTES = 512
# Files go over the wire as they are: as text in a program (`w(b'\\x00...')`, as mpremote writes them) they are three
# times as long, and the board would have to compile them. A dot asks for each piece; before the first one, a byte 3
# would still be a Ctrl-C.
_RECEIVE = """\
import micropython, sys
def fxnn_receive(path):
    view = memoryview(bytearray(512))
    read = sys.stdin.buffer.readinto
    with open(path, 'wb') as f:
        micropython.kbd_intr(-1)
        try:
            while True:
                sys.stdout.write('.')
                read(view[:2])
                n = view[0] | view[1] << 8
                if not n:
                    break
                read(view[:n])
                f.write(view[:n])
        finally:
            micropython.kbd_intr(3)
"""

BUSY_FIX = "close the program that uses the port (a terminal, Thonny, mpremote, another fxnn) and try again"


class _GaveUp(Exception):
    """fxnn_receive has ended early."""


class BoardScriptError(ToolError):
    """Code that the board ran ended with an exception; `last_line` is its traceback's last line."""

    def __init__(self, port: str, traceback: str):
        lines = traceback.strip().splitlines()
        self.last_line = lines[-1] if lines else ""
        super().__init__(f"the board on {port} reports {self.last_line or 'an error'}", traceback.strip())

    @property
    def errno(self) -> int | None:
        """The errno of an OSError, else None. Printed as `OSError: 28` or `OSError: [Errno 28] ENOSPC`."""
        kind, _, text = self.last_line.partition(": ")
        digits = text.replace("[Errno ", "").partition("]")[0]
        return int(digits) if kind == "OSError" and digits.isdigit() else None


class Board:
    """A board in its raw REPL, freshly soft-reset, so nothing of the maker's program runs. Use it in a `with`."""

    def __init__(self, port: str):
        self.port = port
        self._transport: Any = _open(port)  # mpremote declares no types
        self._defined: set[str] = set()
        try:
            self.reset()
        except ToolError:
            self._transport.close()
            raise

    def exec(self, code: str, timeout_s: float = 60, on_text: Callable[[str], None] | None = None) -> str:
        """Runs code on the board and returns (or hands out, as it comes) what it prints.

        timeout_s: without any output for so long, the board counts as hung. Raises BoardScriptError for an exception.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def consume(data: bytes) -> None:
            if on_text:
                on_text(decoder.decode(data.replace(b"\x04", b"")))

        with self._failures_named(timeout_s):
            printed, error = self._transport.exec_raw(code, timeout_s, consume if on_text else None)
        if error:
            raise BoardScriptError(self.port, error.decode(errors="replace"))
        return printed.decode(errors="replace")

    def start(self, code: str) -> None:
        """Starts code that ends the connection, such as a reset; waits for nothing."""
        with self._failures_named():
            self._transport.exec_raw_no_follow(code)
            time.sleep(0.2)  # a port closed at once may drop what was not sent yet

    def eval(self, expression: str):
        """The value of a Python expression on the board (a literal: numbers, text, bytes, tuples, lists, dicts)."""
        return ast.literal_eval(self.exec(f"print(repr({expression}))").strip())

    def define(self, code: str) -> None:
        """Runs code that defines functions for later execs; once, however often it is asked for."""
        if code not in self._defined:
            self.exec(code)
            self._defined.add(code)

    def write_file(self, path: str, data: bytes, on_bytes: Callable[[int], None] | None = None) -> None:
        """Writes a file; on_bytes is called with the number of bytes of each piece written. Raises as exec does."""
        self.define(_RECEIVE)
        link = self._transport.serial
        with self._failures_named():
            self._transport.exec_raw_no_follow(f"fxnn_receive({path!r})")
            try:
                for at in range(0, len(data), WRITE_BYTES):
                    self._wait_for_dot()
                    piece = data[at : at + WRITE_BYTES]
                    link.write(len(piece).to_bytes(2, "little") + piece)
                    if on_bytes:
                        on_bytes(len(piece))
                self._wait_for_dot()
                link.write(b"\0\0")
                _, error = self._transport.follow(4 * ANSWER_TIMEOUT_S)
            except _GaveUp:  # its output has ended, the traceback comes next
                error = self._transport.read_until(1, b"\x04", timeout=ANSWER_TIMEOUT_S)[:-1]
            except KeyboardInterrupt:
                # The board ignores Ctrl-C while it receives: zeros fill the piece it waits for, two more end the file.
                link.write(bytes(WRITE_BYTES + 2))
                raise
        if error:
            raise BoardScriptError(self.port, error.decode(errors="replace"))

    def _wait_for_dot(self) -> None:
        for _ in range(4):  # erasing a block of flash may take longer than the port's own timeout
            answer = self._transport.serial.read(1)
            if answer == b"\x04":
                raise _GaveUp
            if answer:
                return
        raise TransportError("no acknowledgement")

    def reset(self) -> None:
        """A fresh raw REPL by a soft reset, whatever the board was doing."""
        self._defined.clear()
        link = self._transport.serial
        self._transport.serial = _Deadline(link, 3 * ANSWER_TIMEOUT_S)
        try:
            # mpremote prints what it received when a prompt is missing; here the ToolError says it.
            with self._failures_named(), contextlib.redirect_stdout(io.StringIO()):
                self._interrupt()
                # boot.py may take its time after the soft reset, hence not just ANSWER_TIMEOUT_S.
                self._transport.enter_raw_repl(timeout_overall=2 * ANSWER_TIMEOUT_S)
        finally:
            self._transport.serial = link

    def _interrupt(self) -> None:
        """Ctrl-C until a prompt comes, or for ANSWER_TIMEOUT_S.

        One is not enough: a board that is just starting main.py drops it, and a program may swallow it.
        """
        link = self._transport.serial
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        seen = b""
        while time.monotonic() < deadline:
            link.write(b"\r\x03\x02")  # Ctrl-B: out of a raw REPL that an earlier program left
            pause = time.monotonic() + _INTERRUPT_EVERY_S
            while time.monotonic() < pause:
                waiting = link.inWaiting()
                if waiting:
                    seen = (seen + link.read(waiting))[-64:]
                    if seen.rstrip().endswith(b">>>"):
                        return
                else:
                    time.sleep(0.01)

    def mount(self, folder: Path) -> str:
        """Shows a folder of this computer to the board, read over the wire; returns its path there."""
        with self._failures_named():
            self._transport.mount_local(str(folder))
        # mpremote reads a pty byte by byte, without a timeout once a folder is mounted; polling works there too.
        self._transport.is_pty = False
        return SerialTransport.fs_hook_mount

    def close(self) -> None:
        """Frees the port. The board is restarted (boot.py, main.py) unless it is already gone."""
        transport = self._transport
        try:
            link = transport.serial
            link = getattr(link, "orig_serial", link)  # what mpremote wraps while a folder is mounted
            link.write(b"\r\x03\r\x02")  # stop what runs, back to the friendly prompt
            link.write(b"\x04")
            link.flush()
            time.sleep(0.05)  # a USB CDC port that is closed at once may drop what was not sent yet
            transport.serial = link
            transport.close()
        except (OSError, TransportError):
            pass  # unplugged meanwhile: nothing left to tidy up

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @contextlib.contextmanager
    def _failures_named(self, timeout_s: float = ANSWER_TIMEOUT_S):
        """What goes wrong on the wire, as a ToolError."""
        began = time.monotonic()
        try:
            yield
        except TransportError as e:
            started = bool(self._defined)
            raise ToolError(
                f"the board on {self.port} {'stopped answering' if started else 'does not answer'}",
                f"waited {time.monotonic() - began:.0f} s: {e}",
                "is this the right port, and does the board run MicroPython? Unplug it, plug it in and try again; "
                "a main.py that catches Ctrl-C looks like this, too",
            ) from None
        except (OSError, struct.error) as e:  # struct.error: mpremote unpacks an answer that did not come
            raise _gone(self.port, e) from None


class _Deadline:
    """A serial link that can be read until a time. mpremote's own timeouts wait for silence, and a board that restarts
    over and over, or a device that is no board and talks all the time, is never silent."""

    def __init__(self, link, seconds: float):
        self._link = link
        self._end = time.monotonic() + seconds

    def read(self, size: int = 1) -> bytes:
        if time.monotonic() > self._end:
            raise TransportError("it prints without end")
        return self._link.read(size)

    def __getattr__(self, name: str):
        return getattr(self._link, name)


def _open(port: str) -> SerialTransport:
    try:
        # The timeout keeps a port that leads to nothing from blocking for ever.
        return SerialTransport(port, timeout=ANSWER_TIMEOUT_S)
    except TransportError:
        raise why_not(port) from None
    except (OSError, ValueError) as e:
        raise ToolError(f"cannot open serial port {port}", str(e)) from None


def why_not(port: str) -> ToolError:
    """mpremote says only "failed to access": finds out why."""
    if "://" not in port and os.name == "posix" and not os.path.exists(port):
        from .find_port import seen_text

        return ToolError(
            f"no serial port {port}",
            seen_text(),
            "plug the board in with a cable that carries data, or give another port, auto (finds the board) or one of "
            "host, ref, unix, qemu-rv32, pico",
        )
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except serial.SerialException as e:
        code = e.errno or 0
        if code in (errno.EACCES, errno.EPERM) and os.name == "posix" and not os.access(port, os.R_OK | os.W_OK):
            return ToolError(
                f"no permission to open {port}",
                str(e),
                "add yourself to the group that owns it: sudo usermod -aG dialout $USER, then log in again",
            )
        if code in (errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK, errno.EACCES) or "lock" in str(e):
            holder = _holder(port)
            return ToolError(f"serial port {port} is in use", holder or "another program holds it", BUSY_FIX)
        return ToolError(f"cannot open serial port {port}", str(e), "unplug the board, plug it in and try again")
    return ToolError(f"cannot open serial port {port}", "it was in use a moment ago", "try again")


def _holder(port: str) -> str:
    """All who have the port open, where Linux lets us see them."""
    real = os.path.realpath(port)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.readlink(fd) == real for fd in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().split(b"\0")
                names = [
                    Path(word.decode(errors="replace")).name for word in words if word and not word.startswith(b"-")
                ]
                found.append(f"'{' '.join(names[:2])}' (process {process.name})")
        except OSError:
            continue  # not ours to see, or it just ended
    return f"held by {' and '.join(found)}" if found else ""


def _gone(port: str, error: Exception) -> ToolError:
    return ToolError(
        f"lost the board on {port}",
        str(error),
        "check the cable, plug the board in again and repeat the command",
    )
