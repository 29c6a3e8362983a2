"""LOG_SOFTMAX, L2_NORMALIZATION, RSQRT of int16: a sum per row, a fixed-point program on it, and the row again.

The programs are those of FORMAT.md; each is written below as the reference it comes from computes it.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic import fixed_point, gemmlowp, int8_tables
from ..arithmetic import tables as fixed_tables
from ..assembler.constants import Constants
from ..ir import Op
from ..record import ROWS
from .core import EXPORT, Lowering, Step, Unsupported, check_activation, lowers

_MUL, _ADD, _SUB, _SHL, _SHR, _CONST, _CLZ, _SHIFT, _MIN, _MAX, _HALF, _SKIP = range(12)
_LOG_SOFTMAX, _L2, _RSQRT_16 = 0, 1, 2
_SCRATCH_BYTES = 64


class Program:
    """Instructions (op, d, a, b) as they are written, and the constants they name."""

    def __init__(self):
        self.code: list[tuple[int, int, int, int]] = []
        self.values: list[int] = []

    def const(self, d: int, value: int) -> int:
        if value not in self.values:
            self.values.append(value)
        self.code.append((_CONST, d, self.values.index(value), 0))
        return d

    def do(self, op: int, d: int, a: int, b: int = 0) -> int:
        self.code.append((op, d, a, b))
        return d

    def mul_const(self, d: int, a: int, value: int, free: int) -> int:
        return self.do(_MUL, d, a, self.const(free, value))


def log_program() -> Program:
    """Register 1 = log(register 0) in Q5.26 of a number of 1 or more in Q12.19.

    internal/common.h log_x_for_x_greater_than_or_equal_to_1_impl<5, 12>, gemmlowp one_over_one_plus_x_for_x_in_0_1.
    Registers: 15 and 14 are free in between.
    """
    p = Program()
    sqrt_half, quarter = 1518500250, 8388608  # Q0.31; 1/4 in Q6.25
    one = p.const(13, 1)
    # r_a (2), its power of two (3)
    p.do(_CLZ, 4, 0)
    p.do(_SUB, 5, 4, one)
    p.do(_SHIFT, 2, 0, 5)
    p.mul_const(2, 2, sqrt_half, 15)
    p.do(_SHL, 2, 2, 1)
    twelve = p.const(12, 12)
    p.do(_SUB, 3, twelve, 4)
    p.do(_SHL, 3, 3, 25)
    p.const(11, quarter)
    p.do(_ADD, 3, 3, 11)
    # r_b (4), its power of two (5)
    p.mul_const(5, 0, sqrt_half, 15)
    p.do(_CLZ, 5, 5)
    p.do(_SUB, 5, 5, one)
    p.do(_SHIFT, 4, 0, 5)
    p.do(_SUB, 5, twelve, 5)
    p.do(_SHL, 5, 5, 25)
    p.do(_SUB, 5, 5, 11)
    p.do(_MIN, 2, 2, 4)  # r
    p.do(_MAX, 3, 3, 5)  # z_pow_2_adj
    p.const(4, 1805811301)  # sqrt(sqrt(1/2))
    p.do(_HALF, 5, 2, 4)  # p
    p.do(_SUB, 6, 2, 4)
    p.do(_ADD, 6, 6, 6)  # q
    p.do(_MUL, 7, 6, 6)  # q * q
    p.do(_MUL, 8, 6, 7)
    p.mul_const(8, 8, 117049297, 15)
    p.do(_MUL, 9, 6, 2)
    p.do(_ADD, 8, 9, 8)  # num
    p.mul_const(9, 7, 127690142, 15)
    p.const(10, 1057819769)
    p.do(_ADD, 10, 10, 6)
    p.do(_ADD, 10, 10, 9)
    p.do(_MUL, 10, 5, 10)
    p.mul_const(9, 6, 638450708, 15)
    p.do(_ADD, 10, 10, 9)  # denominator - 1
    # 1 / (1 + it)
    p.const(15, 2**31 - 1)
    p.do(_HALF, 10, 10, 15)
    p.mul_const(9, 10, -1010580540, 15)
    p.const(15, 1515870810)
    p.do(_ADD, 9, 9, 15)
    p.const(14, 1 << 29)
    for _ in range(3):
        p.do(_MUL, 15, 10, 9)
        p.do(_SUB, 15, 14, 15)
        p.do(_MUL, 15, 9, 15)
        p.do(_SHL, 15, 15, 2)
        p.do(_ADD, 9, 9, 15)
    p.do(_SHL, 9, 9, 1)
    p.do(_SHR, 8, 8, 6)
    p.do(_MUL, 8, 8, 9)
    p.mul_const(3, 3, 1488522236, 15)  # log(2)
    p.do(_ADD, 1, 3, 8)
    p.do(_SHL, 1, 1, 1)
    return p


def inverse_sqrt_program() -> Program:
    """Registers 1 and 2 = multiplier and right shift of 1 / sqrt(register 0): fixed_tables.inverse_sqrt."""
    p = Program()
    one = p.const(13, 1)
    p.const(1, 2**31 - 1)
    p.const(2, 0)
    minus = p.const(12, -1)
    general = Program()
    general.values = p.values
    g = general
    g.do(_CLZ, 3, 0)
    g.do(_SUB, 3, 3, one)
    g.do(_SHIFT, 3, 3, minus)
    g.do(_SUB, 3, 3, one)  # pairs of bits
    g.const(2, 11)
    g.do(_SUB, 2, 2, 3)
    g.do(_ADD, 3, 3, 3)
    g.do(_SHIFT, 4, 0, 3)  # in [2**27, 2**29)
    g.do(_SHIFT, 4, 4, minus)
    g.do(_SHR, 4, 4, 1)  # half of it, Q3.28
    g.const(1, 1 << 28)
    g.const(5, (1 << 28) + (1 << 27))
    for _ in range(5):
        g.do(_MUL, 6, 1, 1)
        g.do(_MUL, 6, 6, 1)
        g.do(_SHL, 6, 6, 6)
        g.do(_MUL, 6, 4, 6)
        g.do(_MUL, 7, 5, 1)
        g.do(_SUB, 7, 7, 6)
        g.do(_SHL, 1, 7, 3)
    g.mul_const(1, 1, 1518500250, 15)
    g.const(6, 0)
    g.do(_SUB, 7, 6, 2)
    g.do(_MAX, 7, 7, 6)
    g.do(_SHIFT, 1, 1, 7)
    g.do(_MAX, 2, 2, 6)
    # 0 and 1 keep the constants: 1 > register 0 - 1
    p.do(_SUB, 3, 0, one)
    p.do(_SKIP, len(g.code), one, 3)
    p.code += g.code
    return p


def rsqrt_program(multiplier: int, shift: int) -> Program:
    """Register 1 = 1 / sqrt(register 0) rescaled, within int16; the largest for 0 and below.

    micro/kernels/elementwise.cc RsqrtEvalQuantized; shift: that of the rescaling, less its 20.
    """
    p = inverse_sqrt_program()
    twenty = p.const(3, 20)
    p.do(_SUB, 3, twenty, 2)
    one = p.const(4, 1)
    p.do(_SHIFT, 4, one, 3)
    p.do(_MUL, 4, 4, 1)  # data, in Q20
    if shift > 0:
        p.do(_SHL, 4, 4, shift)
    p.mul_const(4, 4, multiplier, 15)
    if shift < 0:
        p.do(_SHR, 4, 4, -shift)
    p.do(_MIN, 1, 4, p.const(6, 32767))
    p.do(_SKIP, 1, 0, p.const(5, 0))
    p.const(1, 32767)
    return p


def _emit(ctx: Lowering, op: Op, mode: int, program: Program, tables: list[np.ndarray], zero: int = 0) -> None:
    x, y = ctx.one(op)
    depth = x.shape[-1] if mode != _RSQRT_16 else x.item_bytes
    k = Constants()
    exps, diffs = (k.add(np.asarray(t, "<i4")) for t in tables) if tables else (0, 0)
    code = k.add(np.array(program.code, np.uint8))
    values = k.add(np.array(program.values, "<i4"))
    words = ROWS.words(rows=x.bytes // depth, depth=depth, table_count=len(tables[0]) if tables else 0,
                       table_offset=exps, diff_offset=diffs, program_count=len(program.code), program_offset=code,
                       values_offset=values, values_count=len(program.values), function=mode,
                       x_zero_point=zero)  # fmt: skip
    source = ctx.activation(x)
    ctx.emit(Step("rows", op.name, source, ctx.new_buffer(y), words, bytes(k.data), scratch_bytes=_SCRATCH_BYTES,
                  inplace=(source,)))  # fmt: skip


@lowers("LOG_SOFTMAX")
def log_softmax(ctx: Lowering, op: Op) -> None:
    """internal/reference/log_softmax.h. What lies so deep that TFLM leaves it out gives -128 here as well: the
    difference, of which 16 is 256 steps, is below -23 there. The table stops at -23, so that a logarithm of up to 8.4
    (4096 classes) less does not leave Q5.26."""
    x, y = ctx.one(op)
    if y.scale != 16 / 256 or y.zero_point != 127:
        raise Unsupported("its output is not quantized to scale 16/256, zero point 127", EXPORT)
    if x.shape[-1] > gemmlowp.SOFTMAX_MAX_DEPTH:
        raise Unsupported(f"{x.shape[-1]} classes", "use fewer than 4096")
    exps = int8_tables.exp_table(1.0, x.scale)
    multiplier, shift = int8_tables.softmax_multiplier(1.0, x.scale)
    diffs = [fixed_point.multiply_by_quantized_multiplier(-d, multiplier, shift) for d in range(len(exps))]
    _emit(ctx, op, _LOG_SOFTMAX, log_program(), [exps, np.maximum(diffs, -23 << 26)])


@lowers("RSQRT", int16=True)
def rsqrt(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    for t in (x, y):
        check_activation(t, ("int16",))
    multiplier, shift = fixed_tables.rsqrt_multiplier(x.scale, y.scale)
    if shift > 10:  # what is rescaled is below 2**21
        raise Unsupported(f"a rescaling by 2**{shift}", "check the scales in the trained model")
    _emit(ctx, op, _RSQRT_16, rsqrt_program(multiplier, shift), [])


@lowers("L2_NORMALIZATION")
def l2_normalization(ctx: Lowering, op: Op) -> None:
    x, y = ctx.one(op)
    if y.scale != 1 / 128 or y.zero_point != 0:
        raise Unsupported("its output is not quantized to scale 1/128, zero point 0", EXPORT)
    if op.attrs.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation", "put the activation into its own layer")
    if x.shape[-1] >= 1 << 15:
        raise Unsupported(f"{x.shape[-1]} values in a row", "use fewer than 32768")
    _emit(ctx, op, _L2, inverse_sqrt_program(), [], x.zero_point)
