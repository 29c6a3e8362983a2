"""Every layout of a record: models/FORMAT.md's tables of words are written from these."""

from __future__ import annotations

from .layout import Layout

RECORD = Layout(
    "record",
    """
    0 kernel: kernel id, below
    1 name_offset [bytes]: the op's name, a NUL-terminated UTF-8 string in the strings section (offset in the file)
    2 const_offset [bytes]: start of this op's constants in the file, a multiple of 4
    3 const_bytes [bytes]: their length. All other constant offsets of the record count from const_offset
    4 macs: multiply-accumulates, for reports
    5 x_offset [bytes]: first input, from the start of the arena (or of the constants, where a flag says so)
    6 y_offset [bytes]: output, from the start of the arena
    7 x2_offset | scratch_offset [bytes]: second input, or scratch memory, as the kernel says
    39 variants: the module that runs the record, a byte per backend, below
    """,
)

_OUTPUT = Layout(
    "output",
    """
    24 y_zero_point: added after requantization
    25 clamp_min: the smallest output
    26 clamp_max: the largest output
    """,
    RECORD,
)

POOL = Layout(
    "pool",
    """
    8 batches: images, or 1
    9 in_h: rows of an input image
    10 in_w: columns of an input image
    11 in_c: channels of an input pixel
    12 out_h: rows of an output image
    13 out_w: columns of an output image
    14 out_c: channels of an output pixel
    15 kernel_h: rows of the window
    16 kernel_w: columns of the window
    17 stride_h: input rows from one window to the next
    18 stride_w: input columns from one window to the next
    19 dilation_h: input rows from one row of the window to the next
    20 dilation_w: input columns from one column of the window to the next
    21 pad_top: rows of padding above the image
    22 pad_left: columns of padding left of the image
    23 x_zero_point: what padding holds
    """,
    _OUTPUT,
)

WINDOW = Layout(
    "window",
    """
    27 weights_offset [bytes]: the weights, in the constants
    28 channels_offset [bytes]: the channel table, in the constants
    """,
    POOL,
)

_PACKED = """
    30 packed_offset [bytes]: the packed variant's own table, in the constants; 0: the record has no packed variant
    31 tile: output pixels at a time, as the packed variant's kernel says
    32 y_step [bytes]: from an output pixel to the next; 0: out_c
    33 piece_count: calls that the op is cut into; 0: it is not cut. In such a call 0 for the first, 1 for the others
    34 weights_format: 0: uint8; 1: weights of four bits, with the short channel table
"""

CONV = Layout("conv", "29 variant_form: of the packed variant, as its kernel says\n" + _PACKED.strip(), WINDOW)
DEPTHWISE = Layout(
    "depthwise",
    "29 depth_multiplier: output channels per input channel\n"
    + _PACKED.strip()
    + """
    35 plane_order: bit 0: channel after channel""",
    WINDOW,
)
DENSE = Layout(
    "dense",
    "29 weights_layout | variant_form: 0: rows; 1: weights in pairs; 2: weights in twos\n" + _PACKED.strip(),
    WINDOW,
)
TRANSPOSE_CONV = Layout("transpose_conv", "29 wide: 0: int8; 1: int16, wide channels", WINDOW)
CONV_16 = Layout("conv_16", "30 bias_32: 1: biases of 32 bits, eq. (2); 0: eq. (6)", WINDOW)
DEPTHWISE_16 = Layout("depthwise_16", "29 depth_multiplier: output channels per input channel", CONV_16)

_REDUCED = Layout(
    "reduced",
    """
    8 a: size of the outermost dimension, kept
    9 r1: size of a dimension that is reduced
    10 b: size of a dimension that is kept
    11 r2: size of a dimension that is reduced
    12 c: size of the innermost dimension, kept
    """,
    _OUTPUT,
)
REDUCTION = Layout(
    "reduction",
    """
    13 acc_offset: -(x_zero_point + 128) * r1 * r2, so that acc = this + sum(x + 128)
    14 multiplier [Q31]: in [0, 2^31)
    15 left_shift: applied before the multiplication
    16 right_shift: applied after it
    """,
    _REDUCED,
)
EXTREME = Layout("extreme", "13 smallest: 0: the largest over r1 and r2; 1: the smallest", _REDUCED)
ARG = Layout(
    "arg",
    """
    8 a: size of the outer dimensions, kept
    9 r: size of the dimension that is searched
    10 c: size of the inner dimensions, kept
    11 smallest: 0: index of the largest; 1: of the smallest
    """,
    RECORD,
)

_WALK = Layout(
    "walk",
    """
    8*4 dims: sizes of the four dimensions
    12*4 x1_strides [bytes]: of x1; 0 broadcasts
    16*4 x2_strides [bytes]: of x2; 0 broadcasts
    23 flags: bit 0: x1 lies in the constants; bit 1: x2 likewise
    """,
    _OUTPUT,
)
PAIRWISE = Layout(
    "pairwise",
    """
    20 multiplier [Q31]: of eq. (2)
    21 left_shift: of eq. (2)
    22 right_shift: of eq. (2)
    """,
    _WALK,
)
ADD = Layout(
    "add",
    """
    27 table1_offset [bytes]: 256 x i32 by the raw byte of x1, in the constants
    28 table2_offset [bytes]: 256 x i32 by the raw byte of x2, in the constants
    """,
    PAIRWISE,
)
MUL = Layout("mul", "27 x1_zero_point: of x1\n28 x2_zero_point: of x2", PAIRWISE)
SELECT = Layout("select", "23 flags: bit 0: x1 lies in the constants; bit 1: x2, the condition, likewise", _WALK)
BINARY = Layout(
    "binary",
    """
    27 table1_offset | x1_zero_point: table or zero point of x1, as the function says
    28 table2_offset | x2_zero_point | inverses_offset: table or zero point of x2, as the function says
    29 function: f, below
    30 negative_multiplier [Q31]: of function 7, where x1 is negative
    31 negative_left_shift: of function 7, where x1 is negative
    32 negative_right_shift: of function 7, where x1 is negative
    """,
    PAIRWISE,
)
PAIRWISE_16 = Layout(
    "pairwise_16",
    """
    27 x1_multiplier | positive_multiplier [Q31]: of x1 (add, sub, squared_difference); of x1 that is not negative (prelu)
    28 x2_multiplier | positive_left_shift: multiplier of x2; left_shift of x1 that is not negative (prelu)
    29 x1_right_shift | positive_right_shift: of x1; of x1 that is not negative (prelu)
    30 x2_right_shift: of x2
    31 function: 0 mul, 1 add, 2 sub, 3 squared_difference, 4 prelu
    """,
    PAIRWISE,
)
INTEGERS = Layout(
    "integers",
    """
    29 function: f, below
    30 element_bytes [bytes]: of an element, 2 or 4
    """,
    _WALK,
)
BOX = Layout(
    "box",
    """
    8*4 dims: sizes of the four dimensions
    12*4 x_strides [bytes]: in the source
    16*4 y_strides [bytes]: in y
    20 fill_bytes [bytes]: y[0 : fill_bytes] is filled first
    21 fill_value: 0 to 255, a raw byte
    22 start [bytes]: of the box in y, from y_offset
    23 flags: bit 0: the source lies in the constants
    """,
    RECORD,
)
SOFTMAX = Layout(
    "softmax",
    """
    8 rows: number of rows
    9 depth: elements of a row
    10 table_count: entries of the table, 1 to 256
    11 table_offset [bytes]: table_count x i32, in the constants
    """,
    RECORD,
)
ROWS = Layout(
    "rows",
    """
    8 rows: number of rows
    9 depth: elements of a row
    10 table_count: entries of the tables, 0 to 256
    11 table_offset [bytes]: as of softmax
    12 diff_offset [bytes]: table_count x i32, in the constants
    13 program_count: instructions
    14 program_offset [bytes]: the fixed-point program, 4 bytes each, in the constants
    15 values_offset [bytes]: its values, i32 each, in the constants
    16 values_count: their number
    17 function: 0: log_softmax; 1: l2_normalization; 2: rsqrt of int16
    18 x_zero_point: of x
    """,
    RECORD,
)
TABLE = Layout("table", "8 count: bytes\n9 table_offset [bytes]: 256 bytes, in the constants", RECORD)
CHANNEL_TABLES = Layout(
    "channel_tables",
    """
    8 a: size of the outer dimensions
    9 b: size of the dimension that has tables
    10 c: size of the inner dimensions
    11 tables_offset [bytes]: 256 bytes each, in the constants
    12 which_offset [bytes]: b x u16, the index of each one's table, in the constants
    """,
    RECORD,
)
GATHER = Layout(
    "gather",
    """
    8 a: size of the outermost dimension
    9 j: indices of rows
    10 b: size of the dimension between
    11 k: indices of columns
    12 c [bytes]: that lie together
    13 a_stride [bytes]: in x, of a
    14 row_stride [bytes]: in x, of a row
    15 b_stride [bytes]: in x, of b
    16 column_stride [bytes]: in x, of a column
    17 rows: rows of x; an index outside is taken as the nearest inside
    18 columns: columns of x
    19 columns_offset [bytes]: k x i32, in the constants
    23 flags: bit 0: x lies in the constants; bit 1: the indices of rows (x2) likewise
    """,
    RECORD,
)
RESIZE = Layout(
    "resize",
    """
    8 n: images
    9 image_bytes [bytes]: of one image of x
    10 c: channels
    11 out_h: rows of y
    12 out_w: columns of y
    13 rows_offset [bytes]: table of rows, in the constants
    14 columns_offset [bytes]: table of columns, in the constants
    """,
    RECORD,
)
RESCALE = Layout(
    "rescale",
    """
    8 count: elements
    9 x_bytes [bytes]: of an element of x, 1 or 2
    10 y_bytes [bytes]: of an element of y, 1 or 2
    11 x_zero_point: of x
    12 multiplier [Q31]: for x - x_zero_point from 0 up
    13 left_shift: likewise
    14 right_shift: likewise
    15 negative_multiplier [Q31]: below 0; it may be negative
    16 negative_left_shift: below 0
    17 negative_right_shift: below 0
    """,
    _OUTPUT,
)
SIGMOID_16 = Layout(
    "sigmoid_16",
    """
    8 count: elements
    9 multiplier: of eq. (7)
    10 right_shift: of eq. (7), 0 to 30
    11 tanh: 0: logistic; 1: tanh
    12 table_offset [bytes]: the sigmoid table, in the constants
    """,
    RECORD,
)
SOFTMAX_16 = Layout(
    "softmax_16",
    """
    8 rows: number of rows
    9 depth: elements of a row
    10 multiplier [Q31]: of eq. (8)
    11 left_shift: of eq. (8)
    12 right_shift: of eq. (8)
    13 exp_offset [bytes]: 513 x i16, in the constants
    14 reciprocal_offset [bytes]: 513 x i16, of 1 / (1 + x), in the constants
    """,
    RECORD,
)
SUMS = Layout(
    "sums",
    """
    8 a: size of the outer dimensions
    9 n: size of the dimension that is summed along
    10 c: size of the inner dimensions
    11 mode: bit 0: each without its own element; bit 1: from the end
    14 multiplier [Q31]: of eq. (2)
    15 left_shift: of eq. (2)
    16 right_shift: of eq. (2)
    18 x_zero_point: of x
    """,
    _OUTPUT,
)
MATRICES = Layout(
    "matrices",
    """
    8*3 batches: sizes of b0, b1, b2
    11 rows: size of i
    12 columns: size of j
    13 depth: size of k
    14*5 x1_strides [bytes]: of x1 along b0, b1, b2, i, k
    19*4 x2_strides [bytes]: of x2 along b0, b1, b2, j
    23 flags: bit 0: x1 lies in the constants; bit 1: x2 likewise; bit 2: int16, eq. (6)
    27 x1_zero_point: of x1
    28 x2_zero_point: of x2
    29 multiplier [Q31]: of eq. (2); int16: of eq. (6)
    30 shifts: left_shift + 256 * right_shift; int16: the shift of eq. (6)
    31 x2_depth_stride [bytes]: of x2 along k
    """,
    _OUTPUT,
)
LSTM = Layout(
    "lstm",
    """
    8 batches: sequences
    9 steps: time steps
    10 inputs: elements of x per step
    11 units: elements of y per step
    12 x_batch_stride [bytes]: of x, from one batch to the next
    13 x_step_stride [bytes]: of x, from one step to the next
    14 y_batch_stride [bytes]: of y, from one batch to the next
    15 y_step_stride [bytes]: of y, from one step to the next
    16 element_bytes [bytes]: of x, y and the hidden state, 1 or 2
    17 hidden_offset [bytes]: the hidden state in the arena, a variable
    18 cell_offset [bytes]: the cell state in the arena (int16, a power of two as scale), a variable
    19 gates_offset [bytes]: 8 entries of 16 bytes, in the constants
    20 products_offset [bytes]: 3 entries of 8 bytes, in the constants
    21 sigmoid_offset [bytes]: the sigmoid table, in the constants
    22 cell_clamp: bound of the cell state; 0: none
    27 tanh_multiplier: of the cell's tanh
    28 tanh_right_shift: of the cell's tanh
    29 logistic_cell: 0: the cell gate is a tanh; 1: a logistic
    """,
    _OUTPUT,
)
SVDF = Layout(
    "svdf",
    """
    8 batches: rows of x
    9 inputs: elements of a row of x
    10 filters: number of filters
    11 rank: filters per unit
    12 memory: steps that a filter remembers
    13 element_bytes [bytes]: of an element of the state, 1 or 2
    14 state_offset [bytes]: [batches, filters, memory] in the arena, a variable
    15 sums_offset [bytes]: i32 per filter, -(x_zero_point + 128) * sum(w), in the constants
    16 features_offset [bytes]: the feature weights, filters x inputs, in the constants
    17 time_offset [bytes]: the time weights, filters x memory, in the constants
    18 bias_offset [bytes]: i32 per unit, in the constants
    19 multiplier [Q31]: into the state
    20 left_shift: into the state
    21 right_shift: into the state
    22 state_zero_point: of the state
    27 y_multiplier [Q31]: of the output
    28 y_left_shift: of the output
    29 y_right_shift: of the output
    """,
    _OUTPUT,
)
