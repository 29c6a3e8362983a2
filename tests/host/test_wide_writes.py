"""Kernels 32 to 46 write nothing but their output, scratch and variables: whole arenas of viper and ref are compared."""

from host_tools.compiler.convert import convert_bytes
from host_tools.fileformat import extents, packed
from tests import batch, strategies, strategies_numbers, strategies_state, strategies_wide

GUARD = "            for k in range(len(net.arena)): net.arena[k] = 0xA5\n            net.reset()\n            at = 0\n"


def test_arenas_are_the_same(tmp_path, monkeypatch):
    script = batch.SCRIPT.replace("            at = 0\n", GUARD, 1).replace(
        "b2a_base64(out)", "b2a_base64(bytes(net.arena))"
    )
    assert script.count("net.arena") == 3
    monkeypatch.setattr(batch, "SCRIPT", script)
    ops = (*strategies_state.OPS, *strategies_wide.OPS, *strategies_numbers.OPS, *strategies.STATEFUL)
    cases = [strategies.build(op, strategies.RandomSource(f"arena/{op}/{i}"), op) for op in ops for i in range(5)]
    models = [(case, convert_bytes(case.tflite, case.op, selftest=0)) for case in cases]
    inputs = [(model, case.inputs) for case, model in models]
    answers = [batch.run_unix(inputs, tmp_path, backend) for backend in ("viper", "ref")]
    for (case, model), viper, ref in zip(models, *answers):
        assert isinstance(viper, bytes) and isinstance(ref, bytes), (str(case), viper, ref)
        scratch = set()
        for op in packed.read(model).ops:
            for words, _ in op.calls:
                scratch |= set(range(words[7], words[7] + extents.scratch_bytes(op.kernel, words, op.fast_target)))
        wrong = [i for i, (a, b) in enumerate(zip(viper, ref)) if a != b and i not in scratch]
        assert not wrong, f"{case}: bytes {wrong[:8]} of {len(ref)}"
