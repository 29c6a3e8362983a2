"""The memory plan: nothing alive is overwritten, and no more than needed is used."""

from types import MappingProxyType

from hypothesis import given, settings
from hypothesis import strategies as st

from host_tools.compiler.options import PREFERENCES
from host_tools.ir import Graph
from host_tools.memory import plan
from host_tools.memory.arena import ALIGNMENT
from host_tools.memory.choices import choices
from host_tools.ops.core import Buffer, Program, Step
from host_tools.record import INTEGERS, PAIRWISE_16


@st.composite
def programs(draw):
    """Random chains with branches: each step reads one or two earlier buffers, some may write in place."""
    sizes = draw(st.lists(st.integers(1, 4000), min_size=2, max_size=14))
    buffers = {f"b{i}": Buffer(f"b{i}", n) for i, n in enumerate(sizes)}
    steps = []
    for i in range(1, len(sizes)):
        x = f"b{draw(st.integers(max(0, i - 4), i - 1))}"
        scratch = draw(st.sampled_from((0, 0, 7, 900)))
        options = ((scratch + 300, {}), (scratch, {})) if scratch and draw(st.booleans()) else ()
        if draw(st.booleans()) and buffers[x].bytes >= sizes[i]:
            kernel = draw(st.sampled_from(("lut", "new kernel")))
            steps.append(Step(kernel, f"s{i}", x, f"b{i}", {}, scratch_bytes=scratch, inplace=(x,), options=options))
        else:
            x2 = f"b{draw(st.integers(max(0, i - 4), i - 1))}" if draw(st.booleans()) else None
            steps.append(Step("new kernel", f"s{i}", x, f"b{i}", {}, x2=x2, scratch_bytes=scratch, options=options))
    last = f"b{len(sizes) - 1}"
    graph = Graph("g", MappingProxyType({}), (), ("b0",), (last,))
    return Program(graph, tuple(steps), buffers, {id: id for id in buffers})


@settings(max_examples=150, deadline=None)
@given(programs(), st.sampled_from(PREFERENCES))
def test_running_the_plan_overwrites_nothing_alive(program, prefer):
    p = plan.plan(program, prefer, sum(b.bytes for b in program.buffers.values()) // 2)
    owner: dict[int, str] = {}  # arena byte -> buffer that wrote it last

    def write(offset, size, who):
        assert offset % ALIGNMENT == 0 and 0 <= offset and offset + size <= p.arena_bytes
        owner.update(dict.fromkeys(range(offset, offset + size), who))

    def holds(id):
        return all(owner[i] == id for i in range(p.offsets[id], p.offsets[id] + program.buffers[id].bytes))

    write(p.offsets["b0"], program.buffers["b0"].bytes, "b0")
    for i, step in enumerate(p.program.steps):
        if step.scratch_bytes:
            write(p.scratch[i], step.scratch_bytes, "scratch")
        assert all(holds(id) for id in step.reads)
        if step.kernel == "lut":  # byte by byte
            for at in range(program.buffers[step.y].bytes):
                assert owner[p.offsets[step.x] + at] == step.x
                owner[p.offsets[step.y] + at] = step.y
        else:
            write(p.offsets[step.y], program.buffers[step.y].bytes, step.y)
            same = {id for id in step.inplace if p.offsets[id] == p.offsets[step.y]}
            assert all(holds(id) for id in step.reads if id not in same and p.lifetimes[id][1] > i)
        if step.scratch_bytes:
            assert owner[p.scratch[i]] == "scratch"
    assert all(holds(id) for id in program.graph.outputs)
    assert p.arena_bytes <= p.unshared_bytes


def test_a_chain_needs_only_two_neighbours():
    sizes = [1000, 3000, 2000, 10]
    buffers = {f"b{i}": Buffer(f"b{i}", n) for i, n in enumerate(sizes)}
    steps = tuple(Step("new kernel", f"s{i}", f"b{i}", f"b{i + 1}", {}) for i in range(3))
    graph = Graph("g", MappingProxyType({}), (), ("b0",), ("b3",))
    p = plan.plan(Program(graph, steps, buffers, {id: id for id in buffers}))
    assert p.arena_bytes == p.floor_bytes == 5000


def test_inplace_chain_uses_one_buffer():
    buffers = {f"b{i}": Buffer(f"b{i}", 500) for i in range(4)}
    steps = tuple(Step("lut", f"s{i}", f"b{i}", f"b{i + 1}", {}, inplace=(f"b{i}",)) for i in range(3))
    graph = Graph("g", MappingProxyType({}), (), ("b0",), ("b3",))
    p = plan.plan(Program(graph, steps, buffers, {id: id for id in buffers}))
    assert p.arena_bytes == 500 and p.inplace == 3


def test_only_records_with_a_packed_variant_are_counted_as_one():
    """Other kernels have words of their own at packed_offset."""
    for kernel, words in (
        ("pairwise_16", PAIRWISE_16.words(x2_right_shift=3)),
        ("numbers", INTEGERS.words(element_bytes=4)),
    ):
        step = Step(kernel, "s", "a", "y", words, x2="b", macs=100)
        assert len({choices(step, target)[0].cycles for target in ("none", "thumb", "xtensa", "rv32")}) == 1
