"""The boards: what each is called, whose assembler kernels it runs, its memory, and how firmware gets onto it.

The one table of boards: `convert` takes the architecture and the budget from it, `report` the heap and the clock, `flash`
the chip, the page of its firmware and the offset. A board that is plugged in says itself what it has free (board_facts).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardKind:
    """A kind of board with stock firmware.

    fast_target: whose packed variants its files hold, a value of packed.FAST_TARGETS; arch: a name of mpy.py's table;
    budget_bytes: arena, records and constants may take so many before `--place auto` cuts the constants for the flash.
    It is not the heap below less the package: it decides bytes of a packed file, so a new measurement does not change it.
    """

    name: str  # of --board
    title: str  # for people
    fast_target: str
    arch: str | None
    budget_bytes: int
    chip: str = ""  # as esptool and the makers call it
    clock_hz: int = 0  # the chip's highest in stock firmware
    heap_bytes: int = 0  # free after boot, no program running; 0: not known
    block_bytes: int = 0  # the largest that can be had in one block; 0: not known, at most heap_bytes
    heap_source: str = ""  # where both are from
    filesystem_bytes: int = 0  # of the stock firmware's filesystem; 0: not known
    firmware: str = ""  # the page of its firmware under micropython.org/download; "": `flash` does not know it
    flash_offset: int = 0  # where in flash an ESP32's firmware begins
    image_id: int | None = None  # the chip's id in an ESP32 image's header (esp_image_format.h, esp_chip_id_t)

    @property
    def esp(self) -> bool:
        """Whether esptool writes its firmware."""
        return self.image_id is not None

    @property
    def mapped_flash(self) -> bool:
        """Whether its flash can be read like RAM, so that constants can stay there: the RP2s."""
        return self.chip.startswith("RP2")


# Heap: `gc.mem_free()` after `gc.collect()` at the REPL, and the largest bytearray.
#   pico     virtual Pico, MicroPython 1.25.0: 241,584 and 239,766
#   esp32    real firmware 1.26.1, emulated, without PSRAM: 163 kB in areas of at most 110,592
#   others   nobody has measured them yet: `fxnn boards` says what one has free. Of the ESP32-C3 the budget and the heap
#            that is assumed cannot both be right
# Filesystems: rp2 boards/*/mpconfigboard.h (MICROPY_HW_FLASH_STORAGE_BYTES), esp32 partitions-4MiB.csv (vfs).
# Offsets: the ROM bootloader of the ESP32 starts the second stage at 0x1000, those of the S3 and C3 at 0.
BOARDS = {
    kind.name: kind
    for kind in (
        # Its files serve every Cortex-M: the Pico 2 on its ARM cores, too.
        BoardKind("pico", "Pico", "thumb", "armv6m", 196_000,
                  chip="RP2040", clock_hz=125_000_000, heap_bytes=241_584, block_bytes=239_766,
                  heap_source="measured, virtual Pico, MicroPython 1.25.0", filesystem_bytes=1408 * 1024, firmware="RPI_PICO"),
        BoardKind("picow", "Pico W", "thumb", "armv6m", 147_000,
                  chip="RP2040", clock_hz=125_000_000, heap_bytes=191_000,
                  heap_source="the Pico's less about 50 kB for its network stack: assumed", filesystem_bytes=848 * 1024,
                  firmware="RPI_PICO_W"),
        BoardKind("esp32", "ESP32", "xtensa", "xtensawin", 74_000,
                  chip="ESP32", clock_hz=240_000_000, heap_bytes=163_000, block_bytes=110_592,
                  heap_source="measured, emulated, MicroPython 1.26.1, without PSRAM", filesystem_bytes=2 << 20,
                  firmware="ESP32_GENERIC", flash_offset=0x1000, image_id=0),
        BoardKind("esp32s3", "ESP32-S3", "xtensa", "xtensawin", 74_000,
                  chip="ESP32-S3", clock_hz=240_000_000, heap_bytes=180_000, heap_source="without PSRAM: assumed",
                  firmware="ESP32_GENERIC_S3", image_id=9),
        # Its files serve every RISC-V board of Espressif's.
        BoardKind("esp32c3", "ESP32-C3", "rv32", "rv32imc", 140_000,
                  chip="ESP32-C3", clock_hz=160_000_000, heap_bytes=130_000, heap_source="assumed",
                  filesystem_bytes=2 << 20, firmware="ESP32_GENERIC_C3", image_id=5),
        BoardKind("rp2350-riscv", "Pico 2 with its RISC-V cores", "rv32", "rv32imc", 440_000,
                  chip="RP2350", clock_hz=150_000_000),
        BoardKind("any", "every board: the portable kernels only", "none", None, 196_000),
    )
}  # fmt: skip
DEFAULT = "pico"
# What `fxnn flash` can put firmware on.
FLASHED = {name: kind for name, kind in BOARDS.items() if kind.firmware}


def kind_for(arch: str | None) -> BoardKind:
    """The kind of board to prepare a network for, where a board says that its architecture is `arch`."""
    prefix = (arch or "none")[:3]
    return next((kind for kind in BOARDS.values() if (kind.arch or "").startswith(prefix)), BOARDS["any"])
