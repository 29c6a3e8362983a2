"""The xtensa kernels on ops that are cut by output channels, a piece at a time: each writes its channels and no others."""

import pytest

from host_tools.record import CONV, view
from tests import draw
from tests.helpers.cut_networks import cut_cases
from tests.xtensa import kernels, machine

pytestmark = pytest.mark.skipif(machine.available() is not None, reason=str(machine.available()))


@pytest.mark.parametrize("op", ("conv_2d", "fully_connected", "depthwise_conv_2d"))
def test_pieces_write_their_channels(op, small_blocks):  # noqa: F811
    run, wanted = kernels.Run(), []
    for case, network in cut_cases(op, 25, 71, board="esp32"):
        case = draw.expected(case)
        arena = bytearray(b"\x5a" * network.arena_bytes)
        x, y = network.inputs[0], network.outputs[0]
        arena[x.arena_offset : x.arena_offset + x.bytes] = case.inputs[0].tobytes()
        record = network.ops[-1]
        r = view(record.kernel, record.words)
        if len(network.ops) != 1 or not r.packed_offset or r.x_offset & 3 or r.scratch_offset & 3:
            continue  # viper's kernel there
        channels = r.out_c
        answer = case.outputs[0].tobytes()
        for words, constants in record.calls:
            run.add(record.kernel, words, constants, bytes(arena))
            first = words[CONV.y_offset] - y.arena_offset
            own = [i for i in range(len(answer)) if first <= i % channels < first + words[CONV.out_c]]
            wanted.append((str(case), y.arena_offset, answer, own, bytes(arena)))
    assert len(wanted) > 20
    for (name, at, answer, own, before), (arena, guards, _, same) in zip(wanted, run.go()):
        got = arena[at : at + len(answer)]
        mine = set(own)
        for i in range(len(answer)):
            want = answer[i] if i in mine else before[at + i]
            assert got[i] == want, (name, i, got[i], want)
        assert set(guards) == {0xA5} and same, name
