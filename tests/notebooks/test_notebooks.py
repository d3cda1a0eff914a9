"""The notebooks run, offline and without errors, and show what running them gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
TOOL = ROOT / "tools" / "notebooks.py"

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def kept(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_look", "team_availability", "why_busy"]


def check(path: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    for module in ("nbclient", "nbformat", "ipykernel", "pandas"):
        pytest.importorskip(module, reason="the notebooks need the notebooks extra")
    # No name is looked up, and no proxy asked: whatever wants to leave this machine fails.
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        [sys.executable, str(TOOL), "--check", str(path)],
        env={**os.environ, **nowhere, "JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.mark.docs
@each
def test_a_notebook_gives_what_it_shows(path: Path, tmp_path: Path) -> None:
    """Every cell runs; texts and pictures are those that are kept in the file."""
    done = check(path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{path.name}: as kept\n"


@pytest.mark.docs
def test_what_no_longer_holds_is_noticed(tmp_path: Path) -> None:
    """The comparison fails where a kept output differs from what running gives."""
    notebook = kept(NOTEBOOKS[0])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    notebook["cells"] = [
        {
            **cells[0],
            "source": "print(6 * 7)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "41\n"}],
        }
    ]
    changed = tmp_path / "changed.ipynb"
    changed.write_text(json.dumps(notebook), "utf-8")
    done = check(changed, tmp_path)
    assert done.returncode == 1
    assert "-41" in done.stdout
    assert "+42" in done.stdout


@each
def test_a_notebook_says_how_to_run_it(path: Path) -> None:
    """The first cell names the extra, and that no network is needed."""
    first = "".join(kept(path)["cells"][0]["source"])
    assert "pip install . pandas jupyterlab" in first
    assert f"examples/{path.name}" in first
    assert "needs no network" in first


@each
def test_a_notebook_was_run_from_top_to_bottom(path: Path) -> None:
    """In order, without an error, and without a trace of whose machine it was."""
    cells = [cell for cell in kept(path)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert str(ROOT) not in path.read_text("utf-8")


@each
def test_a_notebook_has_short_cells(path: Path) -> None:
    """One idea a cell; prose between them."""
    cells = kept(path)["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            assert len("".join(cell["source"]).split()) <= 90
    code = sum(cell["cell_type"] == "code" for cell in cells)
    assert len(cells) - code >= code * 0.8


@each
def test_a_notebook_shows_a_picture(path: Path) -> None:
    """A figure that has its table within, whatever strips its styles."""
    text = path.read_text("utf-8")
    assert text.count("<figure class=") >= 2
    assert "<script" not in text
