"""The arithmetic against its definitions in exact rationals, and the tables against TensorFlow Lite Micro."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from host_tools.arithmetic import fixed_point as fp
from host_tools.arithmetic import gemmlowp, int8_tables
from host_tools.errors import ToolError
from tests.helpers.tflite_builder import Builder

INT32 = st.integers(fp.INT32_MIN, fp.INT32_MAX)
ALL_BYTES = np.arange(256, dtype=np.uint8)


def half_away(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2)) if x >= 0 else math.ceil(x - Fraction(1, 2))


def half_up(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2))


def oracle(tflite: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")
    from host_tools.measure.oracle import Oracle

    return Oracle(tflite, prefer="tflm").run(inputs)


# ------------------------------------------------------------------------------------------------ rounding


@given(st.floats(-1e15, 1e15))
@example(0.49999999999999994)  # floor(x + 0.5) gives 1
@example(-0.5)
@example(2.5)
def test_round_half_away(x):
    assert fp.round_half_away(x) == half_away(Fraction(x))


@given(INT32, INT32)
@example(fp.INT32_MIN, fp.INT32_MIN)
@example(fp.INT32_MIN, fp.INT32_MAX)
@example(1 << 30, -1)  # a product of -2**30: an exact half
@example(1 << 30, 1)
def test_high_mul_is_gemmlowps(a, b):
    exact = Fraction(a * b, 1 << 31)
    want = min(half_up(exact), fp.INT32_MAX)
    assert fp.saturating_rounding_doubling_high_mul(a, b) == want
    # gemmlowp's own form: a nudge of the product's sign, then a division that truncates
    nudge = (1 << 30) if a * b >= 0 else 1 - (1 << 30)
    assert want == min(int(Fraction(a * b + nudge, 1 << 31)), fp.INT32_MAX)


@given(INT32, st.integers(0, 31))
@example(fp.INT32_MIN, 31)
@example(fp.INT32_MAX, 31)
@example(-3, 1)
@example(3, 1)
def test_rounding_divide_by_pot(x, exponent):
    assert fp.rounding_divide_by_pot(x, exponent) == half_away(Fraction(x, 1 << exponent))


@given(st.integers(-(1 << 40), 1 << 40))
def test_wrap32(x):
    assert fp.wrap32(x) == int(np.array(x, np.int64).astype(np.int32))
    assert fp.wrap32_array(np.array([x]))[0] == fp.wrap32(x)


# -------------------------------------------------------------------------------------- multiplier and shift


@given(st.floats(2.0**-31, 2.0**30, exclude_min=True))
@example(1 - 2.0**-40)  # rounds to 2**31: the corner
@example(1.0)
@example(0.5)
def test_quantize_multiplier_is_near(real):
    multiplier, shift = fp.quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31 and -31 <= shift <= 31
    value = Fraction(multiplier, 1 << 31) * Fraction(2) ** shift
    assert abs(value - Fraction(real)) <= Fraction(real) / (1 << 31)


@pytest.mark.parametrize(
    "real, want",
    (
        (0.0, (0, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),
        (1.0, (1 << 30, 1)),
        (2.0**-32, (1 << 30, -31)),  # the smallest
        (2.0**-32 * (1 - 2.0**-20), (0, 0)),  # below it everything is shifted out
        (2.0**-32 * (1 - 2.0**-40), (1 << 30, -31)),  # rounds up to it
        (1e-300, (0, 0)),
        (0.75, (3 << 29, 0)),
    ),
)
def test_quantize_multiplier_corners(real, want):
    assert fp.quantize_multiplier(real) == want


@pytest.mark.parametrize("real", (-1.0, math.inf, math.nan))
def test_impossible_rescalings_are_refused(real):
    with pytest.raises(ToolError, match="cannot be quantized"):
        fp.quantize_multiplier(real)


def test_split_shift():
    assert [fp.split_shift(s) for s in (-31, -1, 0, 1, 30)] == [(0, 31), (0, 1), (0, 0), (1, 0), (30, 0)]
    with pytest.raises(ToolError, match="too large"):
        fp.split_shift(31)


@given(st.lists(INT32, min_size=1, max_size=20), st.integers(0, fp.INT32_MAX), st.integers(-31, 30))
@example([fp.INT32_MIN, fp.INT32_MAX], fp.INT32_MAX, 0)
@example([-131072], 2147483601, 14)  # a * 2**14 is -2**31
def test_requantize_is_its_definition(accs, multiplier, shift):
    left, right = fp.split_shift(shift)
    got = fp.requantize(np.array(accs), multiplier, left, right)
    for acc, y in zip(accs, got):
        a = (acc << left) + (1 << 31) & 0xFFFFFFFF
        high = half_up(Fraction((a - (1 << 31)) * multiplier, 1 << 31))
        assert y == half_away(Fraction(high, 1 << right))
        assert y == fp.multiply_by_quantized_multiplier(acc, multiplier, shift)


def test_requantize_broadcasts_over_channels():
    acc = np.arange(-6, 6).reshape(4, 3) * 1000
    multipliers = np.array([1 << 30, 3 << 29, 0])
    left, right = np.array([0, 1, 0], np.uint8), np.array([3, 0, 0], np.uint8)
    got = fp.requantize(acc, multipliers, left, right)
    for c in range(3):
        assert (got[:, c] == fp.requantize(acc[:, c], int(multipliers[c]), int(left[c]), int(right[c]))).all()


SCALES = st.floats(2.0**-14, 4.0, width=32)


@given(SCALES, SCALES, st.integers(1, 1 << 16))
def test_mean_multiplier_divides_by_the_count(x_scale, y_scale, count):
    multiplier, shift = fp.mean_multiplier(x_scale, y_scale, count)
    assert 0 <= multiplier < 1 << 31
    value = Fraction(multiplier, 1 << 31) * Fraction(2) ** shift
    want = Fraction(x_scale) / Fraction(y_scale) / count
    assert abs(value - want) <= want / (1 << 28)


@given(SCALES, SCALES, SCALES)
def test_add_multipliers_meet_at_one_scale(x1, x2, y):
    assume(max(x1, x2) / y < 2.0**18)
    first, second, total = fp.add_multipliers(x1, x2, y)
    assert all(shift <= 0 for _, shift in (first, second, total))
    assert first[0] == 1 << 30 and first[1] == 0 if x1 >= x2 else second == (1 << 30, 0)  # exactly a half
    for x, (multiplier, shift) in ((x1, first), (x2, second)):
        value = Fraction(multiplier, 1 << 31) * Fraction(2) ** (shift + 20) * Fraction(2.0**-20)
        assert abs(value * 2 * Fraction(max(x1, x2)) / Fraction(x) - 1) < Fraction(1, 1 << 30)


def test_add_refuses_what_makes_tflm_abort():
    fp.add_multipliers(1.0, 0.5, 2.0**-18)
    for y_scale in (2.0**-19, 2.0**-30):
        with pytest.raises(ToolError, match="ADD"):
            fp.add_multipliers(0.5, 1.0, y_scale)


@given(st.integers(-128, 127), st.integers(0, 255), SCALES, SCALES)
@settings(max_examples=20)
def test_add_table_stays_inside_int32(zero_point, raw, x1, x2):
    table = int8_tables.add_table(zero_point, *fp.add_multipliers(x1, x2, 4.0)[0])
    assert table.dtype == np.int32 and table.shape == (256,)
    assert abs(table.astype(np.int64)).max() <= 255 << 19
    assert table[zero_point & 0xFF] == 0


def test_multipliers_use_the_scales_of_the_file():
    """A scale that is no float32 is rounded to one before anything else."""
    assert fp.conv_multiplier(0.1, 0.2, 0.3) == fp.conv_multiplier(*(float(np.float32(v)) for v in (0.1, 0.2, 0.3)))
    assert fp.mul_multiplier(0.1, 0.2, 0.3) == fp.conv_multiplier(0.1, 0.2, 0.3)


def test_fully_connected_multiplies_scales_in_float64():
    """Where a float32 product gives another answer: the model that showed it, smaller."""
    x_scale, w_scale, y_scale = 1.3808711767196655, 0.0005841163219884038, 0.003226357512176037
    assert fp.fully_connected_multiplier(x_scale, w_scale, y_scale) == (1073741844, -1)  # 1073741824 by float32
    b = Builder()
    x = b.input((1, 1), scale=x_scale)
    bias = b.constant(np.array([-590, -33, 498, 6], np.int32), float(np.float32(x_scale) * np.float32(w_scale)))
    y = b.fully_connected(x, b.constant(np.zeros((4, 1), np.int8), w_scale), bias, scale=y_scale)
    got = oracle(b.finish([y]), [np.zeros((1, 1), np.int8)])[0][0]
    assert got.tolist() == [-128, -9, 125, 2]  # -33 * 0.25 would be -8


# ------------------------------------------------------------------------------------------------ activations


@pytest.mark.parametrize(
    "activation, scale, zero_point, want",
    (
        ("NONE", 0.1, 5, (-128, 127)),
        ("RELU", 0.1, 5, (5, 127)),
        ("RELU", 0.1, -128, (-128, 127)),
        ("RELU6", 0.1, -128, (-128, -68)),
        ("RELU6", 0.1, 100, (100, 127)),
        ("RELU6", 0.01, 0, (0, 127)),
        ("RELU_N1_TO_1", 0.1, 0, (-10, 10)),
        ("RELU_N1_TO_1", 0.4, 0, (-3, 3)),  # 1 / 0.4 in float32 is 2.5: away from zero
        ("RELU_N1_TO_1", 0.001, 0, (-128, 127)),
        ("RELU6", 16.0, 3, (3, 3)),
    ),
)
def test_activation_range(activation, scale, zero_point, want):
    assert fp.activation_range(activation, scale, zero_point) == want


def test_activation_range_refuses():
    with pytest.raises(ToolError, match="TANH"):
        fp.activation_range("TANH", 0.1, 0)
    with pytest.raises(ToolError, match="no int32"):
        fp.activation_range("RELU6", 2.0**-29, 0)
    fp.activation_range("RELU", 2.0**-60, 0)


# ------------------------------------------------------------------------- exponentials: accuracy, then exactness


@given(st.integers(4, 5), st.integers(0, fp.INT32_MAX))
@example(5, 0)
@example(5, 1)
@example(4, 1 << 25)  # 1/4
def test_exp_is_near(integer_bits, minus_a):
    value = gemmlowp.exp_on_negative_values(-minus_a, integer_bits)
    assert 0 <= value <= fp.INT32_MAX
    assert abs(value / 2**31 - math.exp(-minus_a / 2 ** (31 - integer_bits))) < 2**-21  # Taylor's rest, (1/8)**5 / 5!


@given(st.integers(0, fp.INT32_MAX))
@example(0)
@example(fp.INT32_MAX)
def test_reciprocals_are_near(a):
    x = a / 2**31
    assert abs(gemmlowp.one_over_one_plus_x_for_x_in_0_1(a) / 2**31 - 1 / (1 + x)) < 2**-27
    assert abs(gemmlowp.one_minus_x_over_one_plus_x_for_x_in_0_1(a) / 2**31 - (1 - x) / (1 + x)) < 2**-26


@given(INT32)
def test_logistic_and_tanh_are_near_and_odd(a):
    assume(a != fp.INT32_MIN)  # |a| is no int32; the tables' radius keeps it out
    x = a / 2**27
    # exp's error, below 2**-21, times the slopes of 1 / (1 + e), at most 1, and (1 - e) / (1 + e), at most 2
    assert abs(gemmlowp.logistic(a) / 2**31 - 1 / (1 + math.exp(-x))) < 2**-21
    assert abs(gemmlowp.tanh(a) / 2**31 - math.tanh(x)) < 2**-20
    assert gemmlowp.tanh(-a) == -gemmlowp.tanh(a)


TABLE_SCALES = (0.0005, 0.0390625, 0.05, 0.123456, 1 / 3, 1.0, 3.9, 4.0, 7.99, 8.0, 15.9, 16.0, 40.0, 2.0**-26)


@pytest.mark.parametrize("scale", TABLE_SCALES)
@pytest.mark.parametrize("op", ("logistic", "tanh"))
def test_sigmoids_are_tflms(op, scale):
    for zero_point in (-128, -7, 0, 127):
        b = Builder()
        x = b.input((1, 256), scale=scale, zero_point=zero_point)
        want = oracle(b.finish([getattr(b, op)(x)]), [ALL_BYTES.view(np.int8)[None]])[0][0].view(np.uint8)
        table = getattr(int8_tables, f"{op}_table")(scale, zero_point)
        assert table.dtype == np.uint8 and table.tolist() == want.tolist(), (op, scale, zero_point)


@pytest.mark.parametrize("beta, scale", ((1.0, 0.1), (0.5, 0.003), (1.0, 3.0), (10.0, 10.0), (1.0, 2.0**-25)))
def test_softmax_table_gives_tflms_answers(beta, scale):
    """Pairs (127, 127 - d) for all d: the second output is exp(-d * beta * scale) / (1 + exp(-d * beta * scale))."""
    b = Builder()
    x = b.input((256, 2), scale=scale)
    values = np.stack([np.full(256, 127), 127 - np.arange(256)], 1).astype(np.int8)
    want = oracle(b.finish([b.softmax(x, beta=beta)]), [values])[0]
    table = int8_tables.exp_table(beta, scale)
    assert table.dtype == np.int32 and 1 <= len(table) <= 256 and table[0] == fp.INT32_MAX
    exps = np.zeros(256, np.int64)
    exps[: len(table)] = table
    for d in range(256):
        reciprocal, exponent = gemmlowp.softmax_scale(
            sum(fp.rounding_divide_by_pot(int(e), 12) for e in (exps[0], exps[d]))
        )
        for k, e in enumerate((exps[0], exps[d])):
            y = fp.rounding_divide_by_pot(fp.saturating_rounding_doubling_high_mul(reciprocal, int(e)), exponent) - 128
            assert min(y, 127) == want[d, k], (beta, scale, d, k)


def test_softmax_of_many_equal_values_rounds_to_nothing():
    """512 equal logits: TFLM aborts on an exponent of 32; the exact quotient is below a half."""
    for count, exponent in ((511, 31), (512, 32), (gemmlowp.SOFTMAX_MAX_DEPTH, 34)):
        reciprocal, got = gemmlowp.softmax_scale(count << 19)
        assert got == exponent
        high = fp.saturating_rounding_doubling_high_mul(reciprocal, fp.INT32_MAX)
        assert (high + (1 << exponent >> 1)) >> exponent == (1 if count < 512 else 0)


def test_tables_refuse_scales_that_tflm_cannot():
    with pytest.raises(ToolError, match="SOFTMAX"):
        int8_tables.exp_table(1.0, 2.0**-26)
    for table in (int8_tables.logistic_table, int8_tables.tanh_table):
        table(2.0**-28, 0)
        with pytest.raises(ToolError, match="too small"):
            table(2.0**-29, 0)
    with pytest.raises(ToolError, match="PRELU"):
        int8_tables.relu_table("PRELU", 0.1, 0, 0.1, 0)
    with pytest.raises(ToolError, match="no int32"):
        int8_tables.relu_table("RELU6", 2.0**-40, 0, 2.0**-40, 0)


@pytest.mark.parametrize("ratio", (1.0, 0.3, 1.7, 2.0**-20, 2.0**-34, 2.0**12, 1 + 2.0**-23))
def test_relu_is_tflms(ratio):
    for x_zero_point, y_zero_point in ((0, 0), (-128, 127), (127, -128), (3, -9)):
        b = Builder()
        x = b.input((1, 256), scale=0.1, zero_point=x_zero_point)
        y_scale = float(np.float32(0.1 / ratio))
        tflite = b.finish([b.relu(x, scale=y_scale, zero_point=y_zero_point), b.relu6(x)])
        relu, relu6 = (o[0].view(np.uint8).tolist() for o in oracle(tflite, [ALL_BYTES.view(np.int8)[None]]))
        assert int8_tables.relu_table("RELU", 0.1, x_zero_point, y_scale, y_zero_point).tolist() == relu
        assert int8_tables.relu_table("RELU6", 0.1, x_zero_point, 0.1, x_zero_point).tolist() == relu6


@pytest.mark.parametrize("dtypes", (("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")))
@pytest.mark.parametrize("ratio", (1.0, 0.3, 1.7, 2.0**-20, 2.0**12))
def test_quantize_is_tflms(dtypes, ratio):
    for x_zero_point, y_zero_point in ((0, 0), (-128, 127), (5, -3)):
        zero_points = [z + 128 * (d == "uint8") for z, d in zip((x_zero_point, y_zero_point), dtypes)]
        b = Builder()
        x = b.input((1, 256), dtypes[0], scale=0.1, zero_point=zero_points[0])
        y_scale = float(np.float32(0.1 / ratio))
        tflite = b.finish([b.quantize(x, scale=y_scale, zero_point=zero_points[1], dtype=dtypes[1])])
        want = oracle(tflite, [ALL_BYTES.view(dtypes[0])[None]])[0][0].view(np.uint8)
        table = int8_tables.requantize_table(0.1, zero_points[0], y_scale, zero_points[1], *dtypes)
        assert table.tolist() == want.tolist()


# ---------------------------------------------------------------------------------------------- real numbers


def test_affine_quantize_and_dequantize_are_tflms():
    scale, zero_point = 0.037, -5
    halves = (np.arange(-300, 300) * np.float32(scale) / 2).astype(np.float32)
    real = np.concatenate([halves, np.array([0.0, -0.0, 1e6, -1e6, 1e-20], np.float32)])[None]
    b = Builder()
    x = b.input(real.shape, "float32")
    q = b.quantize(x, scale=scale, zero_point=zero_point)
    raw, back = oracle(b.finish([b.relu(q), b.dequantize(q)]), [real])
    got = fp.affine_quantize(real, scale, zero_point, np.int8)
    assert got.dtype == np.int8 and (np.maximum(got, zero_point) == raw).all()
    assert (fp.affine_dequantize(got, scale, zero_point) == back).all()
    assert fp.affine_quantize([np.inf, -np.inf], 0.1, 0, np.int8).tolist() == [127, -128]
    assert fp.affine_quantize([0.25], 0.1, 128, np.uint8).tolist() == [131]
