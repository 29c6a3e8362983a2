"""What the source may hold: files of a length, a record's words by their names, tables that name ops or kernels."""

import ast
import shutil
import subprocess

import pytest

from host_tools.ops import table
from host_tools.record import BY_NAME
from host_tools.record.written import blocks
from tests.helpers.paths import ROOT

MOST_LINES = 500
COLUMNS = 72
SUBJECTS_SINCE = "2026-11-29T16:00:00Z"  # older ones are as they are
FOLDERS = ("host_tools", "device", "tests", "models")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# Every table that names three or more of them; the one of ops has families and float functions by kernels' names, too.
TABLES = {
    "op kinds": {"host_tools/ops/table.py _ROWS", "host_tools/ir.py ACTIVATIONS"},
    "kernels": {
        "host_tools/record/kernels.py KERNELS",
        "host_tools/record/variants.py RULES",
        "host_tools/fileformat/operands.py EXTENTS",
    },
}


def name(path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---- lengths


def written_lines(text: str) -> int:
    """Lines that somebody wrote: none of a file whose first lines say that a program writes it, none of such blocks."""
    if any(line.startswith("Written by host_tools/") for line in text.splitlines()[:6]):
        return 0
    return text.count("\n") - sum(end - begin + 1 for begin, end in blocks(text).values())


def test_no_written_file_is_long():
    paths = [*SOURCES, *(path for folder in FOLDERS for suffix in ("md", "j2", "upy") for path in (ROOT / folder).rglob(f"*.{suffix}"))]  # fmt: skip
    lines = {name(path): written_lines(path.read_text()) for path in paths}
    assert len(lines) > 400
    assert not (long := {path: n for path, n in lines.items() if n > MOST_LINES}), long


def test_lines_that_a_program_writes_are_not_counted():
    block = ["# words: written by python -m host_tools.record", "_IN_H = const(9)", "# end of words"]
    assert written_lines("\n".join(["import a", *block, "b = 1", ""])) == 2
    assert written_lines('"""A kernel.\n\nWritten by host_tools/assembler/thumb: edit that.\n"""\n' + "\n" * 900) == 0
    assert written_lines("\n" * 501) == 501


# ---- the words of records


def is_number(node) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def is_text(node) -> bool:
    if isinstance(node, ast.BinOp):
        return is_text(node.left)
    return isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str)


def least_number(node) -> int | None:
    """From which number on an index of this is taken for a record's word; None: it is something else's."""
    if isinstance(node, ast.Attribute):
        return 0 if node.attr in ("words", "record") else None
    if isinstance(node, ast.Name):
        return {"words": 0, "rec": 0, "record": 0, "w": 8}.get(node.id)  # w[0] to w[7]: weights
    return None


def numbers_of_words(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, code) where a word of a record is named by a number: `words[9]`, `words[8:12]`, `words.get(33)`,
    `dict(enumerate(values, 8))`, `{27: 0}`."""
    found = []
    kernels = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "kernels"]  # fmt: skip
    for node in ast.walk(tree):
        wrong = False
        if isinstance(node, ast.Subscript):
            index, least = node.slice, least_number(node.value)
            parts = [index.lower, index.upper] if isinstance(index, ast.Slice) else index.elts if isinstance(index, ast.List) else [index]  # fmt: skip
            wrong = least is not None and any(is_number(part) and part.value >= least for part in parts)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            takes = node.func.attr in ("get", "pop", "setdefault") and least_number(node.func.value) is not None
            wrong = takes and bool(node.args) and is_number(node.args[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "enumerate":
            wrong = len(node.args) > 1 and is_number(node.args[1]) and node.args[1].value >= 5
        elif isinstance(node, ast.Dict) and node not in kernels:
            numbered = [value for key, value in zip(node.keys, node.values) if is_number(key) and 5 <= key.value < 40]
            wrong = not all(is_text(value) for value in numbered)
        if wrong:
            found.append((node.lineno, ast.unparse(node)))
    return found


@pytest.mark.parametrize("line", ("words[9]", "op.words[30]", "record[8:12]", "words[[6, 8]]", "x = words[:8]", "rec[1] = 3",
    "words.get(33, 0)", "{**words, 27: at}", "dict(enumerate(values, 8))", "w[15]", "layer.words.pop(7)"))  # fmt: skip
def test_numbers_of_words_are_found(line):
    assert numbers_of_words(ast.parse(line))


@pytest.mark.parametrize("line", ("words[CONV.in_h]", "words[RECORD.slice('dims')]", "words[i : i + 4]", "w[3]", "words[-1]",
    "kernels = {7: add, 8: mul}", "{7: 'armv6m'}", "enumerate(values, 1)", "words.get(DENSE.tile)"))  # fmt: skip
def test_names_of_words_and_other_numbers_are_not(line):
    assert not numbers_of_words(ast.parse(line))


def test_words_have_names():
    """But in host_tools/record, where the numbers are."""
    found = []
    for path in SOURCES:
        if not name(path).startswith("host_tools/record/"):
            found += [f"{name(path)}:{line}: {code}" for line, code in numbers_of_words(ast.parse(path.read_text()))]
    assert not found, "\n".join(found)


# ---- tables


def tables_of(known, among) -> set[str]:
    """ "file NAME" of every collection of a module that has three or more of the strings in `known`."""
    found = set()
    for path in among:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
                strings = {n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)}
                if len(strings & known) >= 3 and target != "__all__":
                    found.add(f"{name(path)} {target}")
    return found


def test_few_tables_name_ops_or_kernels():
    """What is known of an op is its row in ops/table.py, what is known of a kernel its row in record/kernels.py."""
    host = [path for path in SOURCES if name(path).startswith("host_tools/")]
    kinds = tables_of(table.TABLE.keys(), host)
    assert kinds == TABLES["op kinds"]
    assert tables_of(BY_NAME.keys(), host) - kinds == TABLES["kernels"]
    assert all(len(tables) <= 3 for tables in TABLES.values())


# ---- commits


def long_subjects(log: str) -> list[str]:
    return [subject for subject in log.splitlines() if len(subject) > COLUMNS]


def test_subjects_of_commits_fit():
    assert long_subjects("short\n" + "x" * 73) == ["x" * 73]
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no history here")
    command = ["git", "log", "--no-merges", "--format=%s", f"--since={SUBJECTS_SINCE}"]
    log = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not (long := long_subjects(log)), long
