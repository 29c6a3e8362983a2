"""Fast forms: what the assembler kernels of one architecture need beyond a record's common part.

A file holds those of one target (header, fast_target); every other backend ignores them. A target is a module with

    conv_2d(layer), depthwise_conv_2d(layer), fully_connected(layer) -> Fast or None   what lowering adds to a record
    scratch_bytes(kernel, words) -> int       scratch at word 7 that a record with a fast form (word 30) takes
    constants(kernel, words) -> [(offset, bytes)]   what that form reads of the record's constants

and may leave out the kernels it has no form for. fully_connected_stored(layer) -> Fast, where there is one, makes the
weights and the channel table, too (words 27 and 28): a layout of its own, that every backend reads (word 29).
conv_2d_int4 and fully_connected_int4(layer) -> Fast or None are for weights of four bits; their layer's channel table is
the long form of the short one.
For the memory plan it may also have

    access(kernel, words) -> (words, band_h, tile_w) or None   the form's order, as overlap.tiles_lag takes it; None (or no
        such function): y never lies over x. A depthwise form has to read each channel's tile before it writes that channel.
    options(kernel, words) -> as of a Step    for a record of another number of rows; no such function: no stripes
    how(kernel, words) -> str   of a record that its kernels run: what keeps it from their fastest way
    why_not(kernel, words, constants) -> str   of a record without fast form: which channel is in the way
    cycles(kernel, words) -> float or None    about what it takes; None: the earlier option is the faster one
"""

from __future__ import annotations

from ..record import variants
from .layer import Fast, Layer
from .rv32 import prepare as rv32
from .thumb import prepare as thumb
from .xtensa import prepare as xtensa

TARGETS = {"thumb": thumb, "xtensa": xtensa, "rv32": rv32}


def runs_in(target: str, kernel: str, words, constants: bytes = b"") -> tuple[str, str]:
    """(the backend whose kernel a board of this target takes for a record, why or how in a few words), as the record says.
    constants: the record's; with them a form that sums or scales forbid says which channel's. A file of no target: the
    backends that have an assembler kernel which needs no fast form."""
    takers = [name for name in TARGETS if variants.module(name, kernel, words) != variants.module("viper", kernel, words)]
    if target not in TARGETS:
        return ", ".join(takers) or "viper", "converted for any board" + (", viper on others" if takers else "")
    module = TARGETS[target]
    if target in takers:
        return target, module.how(kernel, words) if hasattr(module, "how") else ""
    why = module.why_not(kernel, words, constants) if hasattr(module, "why_not") else ""
    return "viper", why or variants.why_not(target, kernel, words, target)


def make(target: str, kernel: str, layer: Layer) -> Fast | None:
    """The fast form of `layer` for `target`; None where it has none."""
    form = getattr(TARGETS.get(target), kernel, None)
    return form(layer) if form else None
