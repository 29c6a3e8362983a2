"""`fxnn report` and `fxnn compare`: what the page says is what was measured, and it fits screens of both widths."""

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from host_tools.fileformat import packed
from host_tools.record import KERNELS, TABLE
from host_tools.report import build, facts, inspect, page, shapes, verdicts
from tests.helpers.command_line import fxnn
from tests.helpers.paths import DIGITS, PUBLIC_MODELS

NETWORK = packed.read_file(DIGITS / "digits.fxnn")
RESNET = PUBLIC_MODELS / "ic_resnet8_int8.tflite"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The page for digits with its test data, measured on the virtual Pico."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    data = DIGITS / "test.npz"
    done = fxnn("report", DIGITS / "digits.fxnn", "-o", out, "--data", data)
    assert done.returncode == 0, done.stderr
    return out


def text(html: str) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(style|title)>.*?</\1>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body.replace("<wbr>", "")))


@pytest.mark.pico
def test_the_page_says_what_the_tools_say(report):
    html = report.read_text()
    seen = text(html)
    d = inspect.describe(NETWORK)
    assert f"{d['macs']:,} multiply-accumulates" in seen
    assert f"The arena, {d['arena_bytes']:,} bytes" in seen
    profile = json.loads(fxnn("profile", DIGITS / "digits.fxnn", "--json", "-").stdout)
    assert f"{profile['total']['cycles']:,} cycles" in seen  # the emulator counts the same in every run
    for op in d["ops"]:
        assert op["kernel"] in seen
    accuracy = json.loads(fxnn("evaluate", DIGITS / "digits.fxnn", "--data", DIGITS / "test.npz", "--json").stdout)
    assert f"{100 * accuracy['figures']['top1']:.2f} %" in seen
    for board in verdicts.JUDGED:
        assert board.title in seen
    assert html.count("<figure>") >= len(NETWORK.ops) + 3


@pytest.mark.pico
def test_the_page_is_one_file(report):
    """No scripts, nothing that is fetched, every tag closed."""
    html = report.read_text()
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)|\bsrc=|https?://", html)
    open_tags = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "wbr", "line", "rect", "path", "br"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if tag not in ("meta", "wbr", "line", "rect", "path", "br"):
                assert open_tags.pop() == tag

    Parser().feed(re.sub(r"<rect([^>]*)/>|<(line|path)([^>]*)/>", "", html))
    assert not open_tags


# A page that shows another in a frame of a phone's (or a desktop's) width, and writes down how wide that became.
_FRAME = """<!doctype html><body><iframe id=f width={width} height=800></iframe><script>
const f = document.getElementById("f");
f.onload = () => {{
  const d = f.contentDocument, wide = [...d.querySelectorAll("main > *")].filter(e => e.getBoundingClientRect().right > {width} + 1);
  const small = [...d.querySelectorAll("td, p, b, text")].filter(e => e.getBoundingClientRect().width > 0
    && parseFloat(f.contentWindow.getComputedStyle(e).fontSize) < 11);
  document.title = JSON.stringify({{scroll: d.documentElement.scrollWidth, wide: wide.map(e => e.tagName + e.id), small: small.length,
    height: d.documentElement.scrollHeight, plan: d.getElementById("plan").getBoundingClientRect().width,
    times: [...d.querySelectorAll("td.ms, .share .bar")].filter(e => e.getBoundingClientRect().right > {width}).length,
    visible: [...d.querySelectorAll(".wide")].filter(e => e.offsetParent).length}});
}};
f.srcdoc = {html};
</script>"""


@pytest.mark.pico
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_fits_the_screen(report, width, tmp_path):
    frame = tmp_path / "frame.html"
    frame.write_text(_FRAME.format(width=width, html=json.dumps(report.read_text()).replace("</", "<\\/")))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}/profile"]  # fmt: skip
    done = subprocess.run(["chromium", *options, "--window-size=1400,900", "--virtual-time-budget=5000", "--dump-dom", frame.as_uri()],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert found, done.stderr[-2000:]
    seen = json.loads(found[1])
    assert seen["scroll"] <= width and not seen["wide"], f"wider than {width}: {seen}"
    assert seen["times"] == 0, "time of each op is cut off"
    assert seen["small"] == 0 and seen["height"] > 1500
    assert (seen["visible"] > 0) == (width > 560)


def test_operators_know_what_they_read():
    operators = facts.operators(NETWORK)
    assert [op.inputs for op in operators] == [(i - 1,) for i in range(len(operators))]
    assert all(sum(op.weights) > 0 for op in operators if op.kernel.startswith(("conv", "depthwise", "fully")))


@pytest.mark.parametrize("board", ["pico", "esp32", "any"])
def test_histograms_are_of_the_weights_in_any_layout(board):
    """The same counts for every layout that a target's kernels want, and as many as the .tflite has."""
    from host_tools.compiler.convert import convert_bytes
    from host_tools.readers import tflite

    data = (DIGITS / "digits.tflite").read_bytes()
    graph = tflite.read(data, "digits")
    weights = [
        graph.tensors[op.inputs[1]].data for op in graph.ops if "CONV" in op.kind or op.kind == "FULLY_CONNECTED"
    ]
    operators = facts.operators(packed.read(convert_bytes(data, "digits", board=board)))
    assert [op.weights for op in operators if op.weights] == [facts.histogram(w) for w in weights]


@pytest.mark.skipif(not RESNET.exists(), reason="the public networks are not here")
def test_skips_are_drawn():
    from host_tools.compiler.convert import convert_bytes

    operators = facts.operators(packed.read(convert_bytes(RESNET.read_bytes(), "resnet")))
    adds = [op for op in operators if op.kernel == "add"]
    assert [len(op.inputs) for op in adds] == [2, 2, 2]
    weights = sum(sum(op.weights) for op in operators)
    assert weights == 77_360  # the network's weights without biases: the padding does not count


def test_every_layout_has_its_shapes():
    assert {kernel.layout for kernel in KERNELS} == set(shapes.SHAPES)


def test_verdicts_name_how_they_were_made():
    rows = [{"kernel": op.kernel, "macs": op.macs, "cycles": 10 * op.macs + 1000} for op in NETWORK.ops]
    slow = [{**row, "cycles": 5 * row["cycles"]} for row in rows]
    found = {v.board: v for v in verdicts.judge(NETWORK, rows, slow)}
    assert all(v.fits == "yes" and v.milliseconds and v.how for v in found.values())
    assert found["Pico"].milliseconds == pytest.approx(sum(r["cycles"] for r in rows) / 125e3)
    assert found["ESP32"].milliseconds == pytest.approx(sum(r["cycles"] for r in slow) / 240e3)
    assert "rough estimate" in found["ESP32"].how
    assert all(v.milliseconds is None for v in verdicts.judge(NETWORK, None, None))


def test_a_network_without_measurement(tmp_path):
    html = page.render(build.build(NETWORK, on=None))
    assert "Not measured: run" in html and "random inputs" in html


def test_report_refuses(tmp_path):
    broken = tmp_path / "broken.fxnn"
    broken.write_bytes((DIGITS / "digits.fxnn").read_bytes()[:-1])
    done = fxnn("report", broken, "-o", tmp_path / "r.html")
    assert done.returncode == 1 and "truncated" in done.stderr and not (tmp_path / "r.html").exists()
    done = fxnn("report", DIGITS / "digits.fxnn", "-o", tmp_path / "no" / "r.html", "--on", "none")
    assert done.returncode == 1 and "cannot write" in done.stderr
    done = fxnn("report", DIGITS / "digits.fxnn", "-o", tmp_path / "r.html", "--on", "none", "--data", broken)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not (tmp_path / "r.html").exists()


def test_names_are_escaped(tmp_path):
    from tests.helpers.fxnn_builder import Network

    n = Network(16)
    n.metadata = {"name": "<b>&\"'"}
    n.tensor("input", 0, (8,)).tensor("output", 8, (8,))
    n.op("lut", TABLE.words(x_offset=0, y_offset=8, count=8), bytes(256), name="<script>alert(1)</script>")
    html = page.render(build.build(packed.read(n.build()), on=None))
    assert "<script>" not in html and "&lt;b&gt;" in html


# ---- compare


def test_compare(tmp_path):
    other = tmp_path / "other.fxnn"
    done = fxnn("convert", DIGITS / "digits.tflite", "-o", other, "--board", "any", "--selftest", "0")
    assert done.returncode == 0, done.stderr
    data = DIGITS / "test.npz"
    done = fxnn("compare", DIGITS / "digits.fxnn", other, "--on", "none", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["file"]["a"] == os.path.getsize(DIGITS / "digits.fxnn") and rows["file"]["b"] == other.stat().st_size
    assert rows["file"]["ratio"] == round(rows["file"]["b"] / rows["file"]["a"], 4) < 1
    assert (
        rows["right (top-1)"]["ratio"] == 1 and rows["same best answer as A"]["b"] == 1 and "among the best 3" in rows
    )
    done = fxnn(
        "compare", DIGITS / "digits.fxnn", DIGITS.parent / "anomaly/anomaly.fxnn", "--on", "none", "--data", data
    )
    assert done.returncode == 1 and "cannot answer the same data" in done.stderr


@pytest.mark.pico
def test_compare_measures(tmp_path):
    done = fxnn("compare", DIGITS / "digits.fxnn", DIGITS / "digits.fxnn", "--json")
    rows = {row["what"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["cycles"]["a"] > 100_000 and rows["time of an inference"]["unit"] == "ms"
    assert rows["cycles"]["ratio"] == pytest.approx(1, abs=0.01)  # the board's clock has microseconds


def test_the_fullest_moment_is_the_arena():
    """Outputs over inputs are counted once."""
    assert max(size for _, size in page.peaks(facts.lives(NETWORK), len(NETWORK.ops))) == NETWORK.arena_bytes


def test_equalized_channels_are_no_noise(tmp_path):
    """Cross-layer equalization scales activations: the first layer of digits looked like 6 dB, which it is not."""
    from host_tools.measure.quantize_file import quantize_file
    from host_tools.quantizer import Options

    float_model, out = DIGITS / "digits_float.tflite", tmp_path / "d.fxnn"
    quantize_file(
        float_model, DIGITS / "calibration.npz", out, Options("mse", equalize="on", adaptive="off", samples=64)
    )
    made = build.build(packed.read_file(out), on=None, path=out, data=DIGITS / "test.npz", against=float_model)
    assert made["equalized"] and all(a["sqnr_db"] > 30 for a in made["activations"])
