"""Kernels 32 to 46 write nothing but their output, scratch and variables: whole arenas of viper and ref are compared."""

from host_tools.compiler.convert import convert_bytes
from host_tools.fileformat import extents, packed
from host_tools.record import RECORD
from tests import draw
from tests.helpers import batch


def test_arenas_are_the_same(tmp_path):
    cases = [draw.build(op, draw.RandomSource(f"arena/{op}/{i}"), op) for op in draw.KERNELS_FROM_32 for i in range(5)]
    models = [(case, convert_bytes(case.tflite, case.op, selftest=0)) for case in cases]
    inputs = [(model, case.inputs) for case, model in models]
    answers = [batch.run_unix(inputs, tmp_path, backend, ARENA=True) for backend in ("viper", "ref")]
    for (case, model), viper, ref in zip(models, *answers):
        assert isinstance(viper, bytes) and isinstance(ref, bytes), (str(case), viper, ref)
        scratch = set()
        for op in packed.read(model).ops:
            for words, _ in op.calls:
                at = words[RECORD.scratch_offset]
                scratch |= set(range(at, at + extents.scratch_bytes(op.kernel, words, op.fast_target)))
        wrong = [i for i, (a, b) in enumerate(zip(viper, ref)) if a != b and i not in scratch]
        assert not wrong, f"{case}: bytes {wrong[:8]} of {len(ref)}"
