"""Makes the test file that main.py reads on the board from test.npz.

    python models/digits/make_test_bin.py digits_test.bin             all 360 digits, 23,400 bytes
    python models/digits/make_test_bin.py digits_test.bin --count 20  the first 20

Per digit: 1 byte, which digit it is; then 64 bytes, its pixels row by row, 0 (paper) to 16 (ink).
"""

import argparse
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
MAX_PIXEL = 16


def test_bin(npz_path, count=None) -> bytes:
    """65 bytes a digit for the first `count` digits of an .npz with x0 (n, 8, 8, 1) in 0..1 and labels (n,); None: all.

    ValueError when the file has fewer than `count`, or a pixel that is no multiple of 1/16.
    """
    with np.load(npz_path) as data:
        x, labels = data["x0"], data["labels"]
    if count is None:
        count = len(labels)
    if not 0 < count <= len(labels):
        raise ValueError(f"{count} digits asked for, {npz_path} has {len(labels)}")
    pixels = x[:count].reshape(count, -1) * MAX_PIXEL
    raw = pixels.astype(np.uint8)
    if not np.array_equal(raw, pixels) or raw.max() > MAX_PIXEL:
        raise ValueError(f"{npz_path}: pixels must be 0/16, 1/16 ... 16/16")
    return np.column_stack([labels[:count].astype(np.uint8), raw]).tobytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the file to write; on the board it is /models/digits_test.bin")
    parser.add_argument(
        "--npz", type=Path, default=HERE / "test.npz", help="the digits [default: test.npz beside this]"
    )
    parser.add_argument("--count", type=int, help="only the first COUNT digits (copying them to a board takes a while)")
    options = parser.parse_args()
    try:
        data = test_bin(options.npz, options.count)
    except ValueError as e:
        parser.error(str(e))
    options.out.write_bytes(data)
    print(f"{options.out}: {len(data) // 65} digits, {len(data)} bytes")


if __name__ == "__main__":
    main()
