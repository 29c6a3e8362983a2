"""Runs runner.upy in another process, its output handed on as it comes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import ToolError


def run_script(
    command: list[str], script: str, folder: Path, timeout_s: float, on_text: Callable[[str], None], name: str
) -> str:
    """Runs `command script.py` in the folder; returns what it wrote to stderr. The process never outlives this call."""
    (folder / "runner.py").write_text(script, "ascii")
    errors_path = folder / "stderr.txt"
    with open(errors_path, "w") as errors:
        process = subprocess.Popen(
            [*command, "runner.py"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout
        timed_out = threading.Event()

        def stop():
            timed_out.set()
            process.kill()

        timer = threading.Timer(timeout_s, stop)
        timer.daemon = True  # a Ctrl-C just here must not wait for it
        try:
            timer.start()
            for line in process.stdout:
                on_text(line)
            process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
    if timed_out.is_set():
        raise ToolError(
            f"{name}: no result after {timeout_s:.0f} s", "the network is too slow there", "use fewer inferences"
        )
    details = errors_path.read_text(errors="replace")
    if process.returncode < 0:
        details += f"\nended by signal {-process.returncode}"
    return details
