"""Kernels 32 to 46 on the 32-bit RISC-V: one model an op against TensorFlow Lite Micro, and no allocation."""

import numpy as np
import pytest

from host_tools.compiler import convert
from host_tools.emulators.qemu_rv32 import why_not
from tests import batch, strategies, strategies_numbers, strategies_state, strategies_wide

pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.slow]
pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")

OPS = (*strategies_state.OPS, *strategies_wide.OPS, *strategies_numbers.OPS, *strategies.STATEFUL)


def test_every_op_on_a_32_bit_machine():
    cases = [(c, convert.convert_bytes(c.tflite, c.name, selftest=0)) for op in OPS for c in strategies.generate(op, 4, 21)]
    for (case, _), got in zip(cases, batch.run_qemu_rv32([(m, c.inputs) for c, m in cases], "viper")):
        assert got == b"".join(np.ascontiguousarray(y).tobytes() for y in case.outputs), str(case)
