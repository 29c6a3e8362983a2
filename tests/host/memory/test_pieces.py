"""Constants cut into pieces: the same bits on every backend, and no kernel call's constants across a littlefs block."""

import struct
import zlib

import numpy as np
import pytest

from host_tools.assembler.constants import Constants
from host_tools.compiler import convert
from host_tools.exact import run as exact
from host_tools.fileformat import littlefs as littlefs_blocks
from host_tools.fileformat import packed
from host_tools.memory import place
from host_tools.ops.core import Step
from host_tools.record import CONV, DENSE, RECORD
from tests import draw
from tests.helpers import batch
from tests.helpers.cut_networks import SMALL_BLOCK, cut_cases
from tests.helpers.paths import PUBLIC_MODELS
from tests.helpers.small_networks import many_weights

OPS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


def spans(network):
    return [call[2:4] for op in network.ops for call, _ in op.calls if call[3]]


def test_block_positions_are_littlefs_own():
    """Block n holds 4096 - 4 * (ctz(n) + 1) bytes, block 0 all 4096, each behind its pointers."""
    start = 0
    for n in range(600):
        pointers = 4 * ((n & -n).bit_length()) if n else 0
        assert littlefs_blocks.position(start) == (n, pointers)
        end = start + 4096 - pointers
        assert littlefs_blocks.position(end - 1) == (n, 4095)
        assert littlefs_blocks.room(start) == end - start
        start = end


@pytest.mark.parametrize("op", OPS)
def test_pieces_answer_as_the_whole_on_the_host_and_on_unix(op, small_blocks, tmp_path):
    cases = cut_cases(op, 40, seed=5)
    wanted = [draw.expected(case) for case, _ in cases]
    for case, (_, network) in zip(wanted, cases):
        wrong = draw.difference(case, exact.run(network, list(case.inputs)))
        assert wrong is None, wrong
        for op_record in network.ops:
            if op_record.words[CONV.piece_count]:
                assert all(
                    call[CONV.const_bytes] <= littlefs_blocks.room(call[CONV.const_offset])
                    for call, _ in op_record.calls
                )
    models = [(network.data, list(case.inputs)) for case, network in cases]
    for name, answers in (("ref", batch.run_ref(models, tmp_path)), ("viper", batch.run_unix(models, tmp_path))):
        for case, answer in zip(wanted, answers):
            assert answer == b"".join(y.tobytes() for y in case.outputs), f"{name}: {case.name}: {answer[:80]}"


@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet", "ic_resnet8", "kws_dscnn"))
def test_public_networks_lie_in_blocks(name):
    path = PUBLIC_MODELS / f"{name}_int8.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    whole, cut = (
        packed.read(convert.convert_bytes(path.read_bytes(), name, placing=placing, source=path.name))
        for placing in ("ram", "flash")
    )
    assert whole.pieces == 0 < cut.pieces and whole.selftest == cut.selftest
    assert all(size <= littlefs_blocks.room(offset) for offset, size in spans(cut))
    # Every channel once, in order.
    for op in cut.ops:
        if op.kernel in OPS:
            assert sum(call[CONV.out_c] for call, _ in op.calls) == op.words[CONV.out_c]
            firsts = np.cumsum([0] + [call[CONV.out_c] for call, _ in op.calls])[:-1]
            assert [call[CONV.y_offset] - op.words[RECORD.y_offset] for call, _ in op.calls] == firsts.tolist()
    assert len(cut.data) < 1.15 * len(whole.data)
    # A network that fits the board's RAM is left whole, one that does not is cut.
    auto = packed.read(convert.convert_bytes(path.read_bytes(), name, source=path.name))
    assert bool(auto.pieces) == (name in ("ad_autoencoder", "vww_mobilenet"))


def test_an_op_whose_channels_are_longer_than_a_block_stays_whole(small_blocks):
    k = Constants()
    at = k.add(np.zeros((4, 2 * SMALL_BLOCK), np.uint8))
    step = Step(
        "fully_connected",
        "fc",
        "x",
        "y",
        DENSE.words(out_c=4, weights_offset=at, channels_offset=at),
        bytes(k.data),
        cut=k,
    )
    program = type("P", (), {"steps": (step,), "blocks": True})
    _, placed = place.place(program, 100)
    assert placed[0].pieces == () and placed[0].bytes == len(k.data)


@pytest.mark.pico
@pytest.mark.slow
@pytest.mark.parametrize("backend, count", [("thumb", 15), ("viper", 8)])
def test_pieces_on_the_pico(backend, count, small_blocks):
    cases = [pair for op in OPS for pair in cut_cases(op, count, seed=50)]
    wanted = [draw.expected(case) for case, _ in cases]
    answers = batch.run_pico([(network.data, list(case.inputs)) for case, network in cases], backend)
    for case, answer in zip(wanted, answers):
        assert answer == b"".join(y.tobytes() for y in case.outputs), f"{case.name}: {answer[:80]}"


def test_every_block_has_its_checksum():
    """Block sums (FORMAT.md): a row of checksums that ends with the header's, one for each block that they leave."""
    network = packed.read(convert.convert_bytes(many_weights(9), placing="flash", selftest=0))
    data = network.data
    count, tag = struct.unpack_from("<I4s", data, len(data) - 8)
    start = len(data) - 8 - 4 * count
    assert tag == packed.SUMS_TAG and count == littlefs_blocks.position(start)[0] > 10
    end = 0
    for n, want in enumerate(struct.unpack_from(f"<{count}I", data, start)):
        end += littlefs_blocks.room(end)
        assert zlib.crc32(data[16:end]) == want, n
    assert end <= start < end + littlefs_blocks.room(end)
    whole = convert.convert_bytes(many_weights(9), placing="ram", selftest=0)
    assert whole[-4:] != packed.SUMS_TAG
