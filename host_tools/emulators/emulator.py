"""The emulated Pico's own process, run by virtual_pico.py: rp2040py, the firmware, the flash image and a console.

    python -m host_tools.emulators.emulator run    one script through the raw REPL, its output on stdout
    python -m host_tools.emulators.emulator serve  a serial port for mpremote, until stdin is closed or SIGTERM comes

A process of its own, because it is killed when a script hangs, and because its rp2040py may be the recompiled one
(fast_rp2040py.py), which comes to it by PYTHONPATH. It therefore imports nothing of host_tools.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from rp2040py.boards import BoardSpec, FlashLayout
from rp2040py.cli.pty_repl import PtyInteractiveRepl
from rp2040py.cli.socket_repl import SocketInteractiveRepl
from rp2040py.device import MicroPythonDevice
from rp2040py.device.repl_runner import BaseReplRunner
from rp2040py.rp2040 import RP2040

# Exit codes of `run`.
SCRIPT_RAISED = 10
NO_PARENT = 11

# The registers CTRL of PIO0 and PIO1 are at offset 0; their low four bits start state machines (RP2040 datasheet 3.7).
_PIO_CTRL = 0
_PIO_BASES = (0x50200, 0x50300)  # as rp2040py's table of peripherals is keyed

_ALARM_NS = 200_000
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class _IdlePio:
    """A PIO block that joins the emulation when a program starts one of its state machines.

    rp2040py asks both blocks after every instruction whether they have something to do, which is half its time.
    """

    def __init__(self, mcu: RP2040, pio, all_pios):
        self._mcu, self._pio, self._all_pios = mcu, pio, all_pios

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        if offset == _PIO_CTRL and value & 15:
            self.wake()
        self._pio.write_uint32_atomic(offset, value, atomic_type)

    def wake(self) -> None:
        self._mcu.pio = self._all_pios

    def __getattr__(self, name: str):
        return getattr(self._pio, name)


class Pico(MicroPythonDevice):
    """rp2040py's Pico with MicroPython and a filesystem that starts as `image` and ends there if it is to be kept."""

    def __init__(self, firmware: str, image: str, layout: FlashLayout):
        super().__init__(board=BoardSpec(image=firmware, layout=layout), filesystem=Path(image))
        self._all_pios = self.mcu.pio
        self._sleep_pios()

    def _sleep_pios(self) -> None:
        mcu: Any = self.mcu  # its own types have no room for a stand-in
        for base, pio in zip(_PIO_BASES, self._all_pios):
            mcu.peripherals[base] = _IdlePio(mcu, pio, self._all_pios)
        mcu.pio = ()

    def _enter_reset(self, cause) -> None:
        self.mcu.pio = self._all_pios  # a chip's reset resets them too
        super()._enter_reset(cause)
        self._sleep_pios()

    def save(self, image: str) -> None:
        """Writes the filesystem to a file, in one piece or not at all."""
        partial = Path(f"{image}.{os.getpid()}.partial")
        self.dump_flash_image(partial)
        os.replace(partial, image)


class _Script(BaseReplRunner):
    """Sends one line to the raw REPL and passes on what the script prints, as it comes."""

    def __init__(self, device: Pico, line: bytes):
        super().__init__(device.cdc)
        self._line = line
        self._seen = bytearray()
        self._stage = "prompt"
        self.error = bytearray()
        self.done = asyncio.Event()

    async def _on_start(self) -> None:
        # Stop a main.py that the image may have, then ask for the raw REPL.
        for byte in b"\r\x03\x03\x01":
            self._cdc.send_serial_byte(byte)

    def feed(self, data: bytes | bytearray) -> None:
        data = bytes(data)
        if self._stage == "prompt":
            self._seen += data
            if _PROMPT in self._seen:
                self._seen.clear()
                self._stage = "ok"
                self._queue(self._line + b"\x04")
                self.pump()
            return
        if self._stage == "ok":
            self._seen += data
            if len(self._seen) < 2:
                return
            data, self._stage = bytes(self._seen[2:]), "output"
        if self._stage == "output":
            printed, end, data = data.partition(b"\x04")
            if printed:
                sys.stdout.buffer.write(printed)
                sys.stdout.buffer.flush()
            if not end:
                return
            self._stage = "error"
        if self._stage == "error":
            self.error += data.partition(b"\x04")[0]
            if b"\x04" in data:
                self._stage = "done"
                self.done.set()


def _end_with_parent(end) -> None:
    """Calls `end` when stdin closes: it is a pipe from the process that started this one, however that one ends."""
    asyncio.get_running_loop().add_reader(0, lambda: os.read(0, 1) or end())


async def _run(device: Pico, line: str, save: str | None) -> int:
    await device.astart()
    script = _Script(device, line.encode())
    await script.start()

    # The console takes 512 bytes at a time; the rest follows as the board reads, in the board's own time.
    def pump() -> None:
        if not script.pump() or not script.done.is_set():
            alarm.schedule(_ALARM_NS)

    alarm = device.simulator.clock.create_alarm(pump)
    alarm.schedule(_ALARM_NS)
    _end_with_parent(lambda: os._exit(NO_PARENT))
    await device.simulator.wait_for(script.done, None)
    alarm.cancel()
    device.stop()
    if save:
        device.save(save)
    if script.error:
        sys.stderr.buffer.write(script.error)
        return SCRIPT_RAISED
    return 0


async def _serve(device: Pico, tcp: bool, save: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(code: int) -> None:
        loop.call_soon_threadsafe(stop.set)

    transport = SocketInteractiveRepl if tcp else PtyInteractiveRepl
    repl = transport(device.cdc, device.simulator, end)
    await device.astart()
    await repl.start()
    port = f"socket://127.0.0.1:{repl.port}" if isinstance(repl, SocketInteractiveRepl) else repl.slave_path
    print(port, flush=True)
    _end_with_parent(stop.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the other process's to handle
    try:
        await device.simulator.wait_for(stop, None)
    finally:
        device.stop()
        await repl.stop()
        device.save(save)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("do", choices=("run", "serve"))
    parser.add_argument("--firmware", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--layout", required=True, help="flash offset, blocks, bytes per block")
    parser.add_argument("--save", help="where the filesystem goes at the end")
    parser.add_argument("--line", help="what to run")
    parser.add_argument("--tcp", action="store_true")
    options = parser.parse_args()
    start, blocks, block_bytes = map(int, options.layout.split(","))
    device = Pico(options.firmware, options.image, FlashLayout(start, blocks, block_bytes))
    if options.do == "run":
        return asyncio.run(_run(device, options.line, options.save))
    return asyncio.run(_serve(device, options.tcp, options.save))


if __name__ == "__main__":
    sys.exit(main())
