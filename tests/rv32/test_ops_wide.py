"""Kernels 32 to 46 on the 32-bit RISC-V: one model an op against TensorFlow Lite Micro, and no allocation."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.emulators.qemu_rv32 import why_not
from tests import draw
from tests.helpers import batch

pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.slow]
pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")


def test_every_op_on_a_32_bit_machine():
    cases = [
        (c, convert.convert_bytes(c.tflite, c.name, selftest=0))
        for op in draw.KERNELS_FROM_32
        for c in draw.generate(op, 4, 21)
    ]
    for (case, _), got in zip(cases, batch.run_qemu_rv32([(m, c.inputs) for c, m in cases], "viper")):
        assert got == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)
