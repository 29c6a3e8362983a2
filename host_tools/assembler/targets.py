"""Packed variants: what the assembler kernels of one architecture need beyond a record's common part.

A file holds those of one target (header, fast_target); every other backend ignores them. A target is a module
<instruction set>/prepare.py. Lowering asks it for what it adds to a record, by functions called as the kernels,

    conv_2d, depthwise_conv_2d, fully_connected(layer) -> PackedVariant or None
    fully_connected_stored(layer) -> PackedVariant or None    makes the weights and the channel table, too (words
        weights_offset and channels_offset): a layout of its own, that every backend reads (word weights_layout)
    conv_2d_int4, fully_connected_int4(layer) -> PackedVariant    for weights of four bits; their layer's channel table
        is the long form of the short one

of which it may leave out any; then that kernel has no packed variant there. All others ask it about a record that has one
(packed_offset is not 0), by the functions of Target. The functions here take the name of a target, "none" as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ..record import variants
from .layer import Layer, Option, PackedVariant
from .rv32 import prepare as rv32
from .thumb import prepare as thumb
from .window import Window
from .xtensa import prepare as xtensa

Order = tuple[Window, int, int]


class Target(Protocol):
    """What a target's module answers about a record, whose 40 words are given, of which it made the packed variant."""

    def scratch_bytes(self, kernel: str, words: Sequence[int]) -> int:
        """Bytes of scratch that it takes."""
        ...

    def constants(self, kernel: str, words: Sequence[int]) -> list[tuple[int, int]]:
        """(offset, bytes) of what it alone reads of the record's constants; one that cannot be (-1) where its words are
        not such a variant's."""
        ...

    def order(self, kernel: str, words: Sequence[int]) -> Order | None:
        """(window, band_h, tile_w): the order in which it reads and writes, as memory.overlap.of_tiles takes it; None: y
        must not lie over x. A depthwise one has to read each channel's tile before it writes that channel."""
        ...

    def cycles(self, kernel: str, words: Sequence[int]) -> float | None:
        """About what it takes; None: the earlier option is the faster one."""
        ...

    def how(self, kernel: str, words: Sequence[int]) -> str:
        """How its kernels run a record, where it is not their fastest way; "" where it is. Of any record that they run."""
        ...

    def why_not(self, kernel: str, words: Sequence[int], constants: bytes) -> str:
        """What is in the way of a packed variant, where its rule in record/variants.py cannot say it: which channel, of a
        record's constants; "" where nothing is, or the rule says it."""
        ...

    @property
    def options(self) -> Callable[[str, Sequence[int]], tuple[Option, ...]] | None:
        """options(kernel, words): as of a Step, for the record with another number of rows; None: no stripes."""
        ...


TARGETS: Mapping[str, Target] = {"thumb": thumb, "xtensa": xtensa, "rv32": rv32}


def make(target: str, kernel: str, layer: Layer) -> PackedVariant | None:
    """The packed variant of `layer` for `target`; None where it has none. kernel: with _stored or _int4, as above."""
    variant = getattr(TARGETS.get(target), kernel, None)
    return variant(layer) if variant else None


def order(target: str, kernel: str, words: Sequence[int]) -> Order | None:
    """Target.order; None of a file of no target."""
    return TARGETS[target].order(kernel, words) if target in TARGETS else None


def cycles(target: str, kernel: str, words: Sequence[int]) -> float | None:
    """Target.cycles; None of a file of no target."""
    return TARGETS[target].cycles(kernel, words) if target in TARGETS else None


def has_options(target: str) -> bool:
    """Whether a target's records can be given other rows than they were made for."""
    return target in TARGETS and TARGETS[target].options is not None


def options(target: str, kernel: str, words: Sequence[int]) -> tuple[Option, ...]:
    """The options of a record of a target that has_options()."""
    found = TARGETS[target].options
    assert found is not None, f"{target} makes no stripes"
    return found(kernel, words)


def runs_in(target: str, kernel: str, words: Sequence[int], constants: bytes = b"") -> tuple[str, str]:
    """(the backend whose kernel a board of this target takes for a record, as the record says; why or how in a few words).
    constants: the record's; with them a variant that sums or scales forbid says which channel's. A file of no target: the
    backends that have an assembler kernel which needs no packed variant."""
    viper = variants.module("viper", kernel, words)
    takers = [name for name in TARGETS if variants.module(name, kernel, words) != viper]
    if target not in TARGETS:
        return ", ".join(takers) or "viper", "converted for any board" + (", viper on others" if takers else "")
    if target in takers:
        return target, TARGETS[target].how(kernel, words)
    why = TARGETS[target].why_not(kernel, words, constants)
    return "viper", why or variants.why_not(target, kernel, words, target)
