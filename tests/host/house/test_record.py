"""What other files hold of the record's schema: `python -m host_tools.record --check`, and that it would notice."""

import pytest

from host_tools.record import KERNELS, __main__, device_kernels, device_words, sources
from host_tools.record.written import rewritten

WORDS = "# words: written by python -m host_tools.record\n"


def test_nothing_is_stale(capsys):
    assert __main__.main(["--check"]) == 0, capsys.readouterr().out


def test_a_changed_file_is_named_and_written_again(tmp_path, monkeypatch, capsys):
    for name, old, new in (("loader.py", "(17, 18, 19)", "(17, 18)"), ("file.py", "const(33)", "const(32)")):
        text = (sources.DEVICE / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1))
    monkeypatch.setattr(sources, "DEVICE", tmp_path)
    monkeypatch.setattr(sources, "package", sources.PACKAGE.read_text)
    monkeypatch.setattr(sources, "ROOT", tmp_path.parent)
    monkeypatch.setattr(__main__, "ROOT", tmp_path.parent)
    monkeypatch.setattr(sources, "FORMAT", tmp_path / "FORMAT.md")
    (tmp_path / "FORMAT.md").write_text("<!-- pieces: written by python -m host_tools.record -->\n")
    assert __main__.main(["--check"]) == 1
    found = capsys.readouterr().out
    assert found.count("stale: ") == 3 and "loader.py" in found and "file.py" in found and "FORMAT.md" in found
    assert __main__.main([]) == 0 and __main__.main(["--check"]) == 0
    assert "(17, 18, 19)" in (tmp_path / "loader.py").read_text()
    assert "| 28 | i32 | 30 | packed_offset |" in (tmp_path / "FORMAT.md").read_text()


def written(code: str, first: str = WORDS) -> str:
    return rewritten(first + code, lambda what: device_words.lines(first + code, what))


def test_a_block_holds_the_words_that_its_file_uses():
    code = "def f(rec):\n    return rec[_IN_H] + rec[_DEPTH_MULTIPLIER] + _OWN\n_OWN = 3\nkernels = {2: f}\n"
    text = written(code)
    assert text == WORDS + "_IN_H = const(9)\n_DEPTH_MULTIPLIER = const(29)\n# end of words\n" + code
    assert rewritten(text, lambda what: device_words.lines(text, what)) == text


def test_words_of_several_layouts_carry_the_layout_s_name():
    use = "kernels = {6: None, 7: None}\nx = %s\n"
    with pytest.raises(device_words.UnknownWord, match="_REDUCTION_MULTIPLIER 14, _ADD_MULTIPLIER 20"):
        written(use % "_MULTIPLIER")
    assert "_ADD_MULTIPLIER = const(20)\n" in written(use % "_ADD_MULTIPLIER")
    named = "# words of svdf, pool: written by python -m host_tools.record\n"
    assert "_RANK = const(11)\n_KERNEL_H = const(15)\n" in written("x = _RANK, _KERNEL_H\n", named)


@pytest.mark.parametrize(
    "code, says",
    [
        ("x = _NO_SUCH\n", "_NO_SUCH is no word of"),
        ("_MACS = 1\nx = _MACS\n", "_MACS is the name of a word, and of something else"),
    ],
)
def test_names_that_are_no_words_are_refused(code, says):
    with pytest.raises(device_words.UnknownWord, match=says):
        written(code)


def test_the_board_s_sets_are_the_schema_s():
    """Read back from the lines, by their meaning."""
    lines = device_kernels.kernels("x = _KERNELS, _X_FLAG, _X2_FLAG, _HOLD_OFFSETS, _CUTTABLE")
    found: dict = {}
    exec("\n".join(lines), {"const": lambda value: value}, found)
    assert {id for first, last in found["_KERNELS"] for id in range(first, last + 1)} == {k.id for k in KERNELS}
    for name, true in (
        ("_X_FLAG", lambda k: "x" in k.constant_operands),
        ("_X2_FLAG", lambda k: "x2" in k.constant_operands),
        ("_HOLD_OFFSETS", lambda k: k.holds_offsets),
        ("_CUTTABLE", lambda k: k.cuttable),
    ):
        assert found[name] == tuple(k.id for k in KERNELS if true(k))
