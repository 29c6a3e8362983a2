"""An ESP32's boot ROM and flasher stub on a TCP port, as far as esptool speaks to them when it flashes: the real
esptool runs against it (socket://). The protocol is esptool's documentation, "Serial Protocol"; registers read as 0
but for those that tell what the chip and its flash are."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import zlib

from esptool.targets import CHIP_DEFS

_SYNC, _READ_REG, _MEM_END, _MD5, _SECURITY = 0x08, 0x0A, 0x06, 0x13, 0x14
_FLASH_BEGIN, _FLASH_DATA, _DEFL_BEGIN, _DEFL_DATA, _ERASE = 0x02, 0x03, 0x10, 0x11, 0xD0
_WRITES = (_FLASH_DATA, _DEFL_DATA)
_INVALID = b"\x01\x05"  # ROM_INVALID_RECV_MSG
_FLASH_ID = 0x1640EF  # 4 MB
_MAGIC_REGISTER = 0x40001000


class EspRom:
    """Use it in a `with`; `url` is the port. flash: its contents; log: the commands received, in order.
    dies_after: hangs up after this many pieces of data."""

    def __init__(self, chip: str, dies_after: int | None = None):
        self.loader = CHIP_DEFS[chip]
        self.flash = bytearray(b"\xff" * (4 << 20))
        self.log: list[int] = []
        self.dies_after = dies_after
        self._stub = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> EspRom:
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            with link:
                try:
                    self._talk(link)
                except OSError:
                    pass

    def _talk(self, link: socket.socket) -> None:
        pending = b""
        while data := link.recv(65536):
            pending += data
            while pending.count(b"\xc0") >= 2:
                start = pending.index(b"\xc0")
                end = pending.index(b"\xc0", start + 1)
                packet, pending = pending[start + 1 : end], pending[end + 1 :]
                packet = packet.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                if len(packet) < 8:
                    continue
                _, op, _, _ = struct.unpack("<BBHI", packet[:8])
                self.log.append(op)
                if self.dies_after is not None and sum(op in _WRITES for op in self.log) > self.dies_after:
                    link.close()
                    return
                value, body = self._answer(op, packet[8:])
                status = b"" if body == _INVALID else b"\0\0" if self._stub else b"\0\0\0\0"
                for _ in range(8 if op == _SYNC else 1):
                    _send(link, struct.pack("<BBHI", 1, op, len(body + status), value) + body + status)
                if op == _MEM_END and not self._stub:
                    self._stub = True
                    _send(link, b"OHAI")

    def _answer(self, op: int, data: bytes) -> tuple[int, bytes]:
        """(value, data before the status)."""
        if op == _READ_REG:
            (address,) = struct.unpack("<I", data)
            if address == _MAGIC_REGISTER:
                return getattr(self.loader, "MAGIC_VALUE", 0) or 0, b""
            return (_FLASH_ID if address == self.loader.SPI_REG_BASE + self.loader.SPI_W0_OFFS else 0), b""
        if op == _SECURITY:
            if self.loader.USES_MAGIC_VALUE:
                return 0, _INVALID
            return 0, struct.pack("<IB7sII", 0, 0, bytes(7), self.loader.IMAGE_CHIP_ID, 0)
        if op == _ERASE:
            self.flash[:] = b"\xff" * len(self.flash)
        elif op in (_FLASH_BEGIN, _DEFL_BEGIN):
            *_, self._at = struct.unpack("<4I", data[:16])
            self._inflate = zlib.decompressobj()
        elif op in _WRITES:
            piece = self._inflate.decompress(data[16:]) if op == _DEFL_DATA else data[16:]
            self.flash[self._at : self._at + len(piece)] = piece
            self._at += len(piece)
        elif op == _MD5:
            address, size = struct.unpack("<2I", data[:8])
            return 0, hashlib.md5(self.flash[address : address + size]).digest()
        # the ROM answers a SYNC with something, the stub with 0
        return 0 if op != _SYNC or self._stub else 0x20120707, b""


def _send(link: socket.socket, packet: bytes) -> None:
    link.sendall(b"\xc0" + packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0")
