"""Finds the serial port with a MicroPython board on it, by the USB ids of the boards MicroPython runs on."""

from __future__ import annotations

import serial.tools.list_ports

from ..errors import ToolError

# (vendor, product): MicroPython's own USB ids, ports/rp2 and ports/esp32 mpconfigport.h and mboot; None: all products.
_BOARDS = {
    (0x2E8A, 0x0005): "RP2040/RP2350 with MicroPython",
    (0x303A, 0x4001): "ESP32 with MicroPython",
    (0x303A, 0x1001): "ESP32 USB serial/JTAG",
    (0xF055, None): "MicroPython board",
}
# Serial chips that ESP32 boards carry; they may lead to anything, so they count only where no port above is seen.
_BRIDGES = {
    (0x10C4, 0xEA60): "CP210x",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x55D4): "CH9102",
    (0x0403, 0x6001): "FT232",
    (0x0403, 0x6015): "FT231X",
}


def find_port() -> str:
    """The port of the one board that is plugged in. ToolError if there is none, or more than one."""
    ports = usb_ports()
    for table in (_BOARDS, _BRIDGES):
        found = [p for p in ports if (p.vid, p.pid) in table or (p.vid, None) in table]
        if len(found) == 1:
            return found[0].device
        if found:
            raise ToolError(
                f"{len(found)} boards found",
                "; ".join(_text(p) for p in found),
                f"say which one: --port {found[0].device}",
            )
    raise ToolError(
        "no board found",
        seen_text(),
        "plug the board in with a cable that carries data, or name its port (no board at all: --port pico)",
    )


def boards() -> list[tuple[str, str, bool]]:
    """(port, what it is, whether a MicroPython board is likely there) for each USB serial port a board may be on."""
    likely = [(p.device, _text(p), True) for p in usb_ports() if (p.vid, p.pid) in _BOARDS or (p.vid, None) in _BOARDS]
    return likely + [(p.device, _text(p), False) for p in usb_ports() if (p.vid, p.pid) in _BRIDGES]


def seen_text() -> str:
    """The serial ports there are, for an error message."""
    ports = usb_ports()
    return "serial ports seen: " + ("; ".join(_text(p) for p in ports) if ports else "none")


def usb_ports():
    """The serial ports on USB. Those without USB ids (ttyS0 ...) are the computer's own, never a board."""
    return [p for p in sorted(serial.tools.list_ports.comports()) if p.vid is not None]


def _text(port) -> str:
    name = (
        _BOARDS.get((port.vid, port.pid))
        or _BOARDS.get((port.vid, None))
        or _BRIDGES.get((port.vid, port.pid))
        or port.product
    )
    return f"{port.device} ({port.vid:04x}:{port.pid:04x} {name or 'unknown'})"
