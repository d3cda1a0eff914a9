"""Run the notebooks in examples/ again, and keep their outputs: `make notebooks`.

    python tools/notebooks.py [--check] [--html FOLDER] [NOTEBOOK ...]

With --check nothing is written: the new outputs are compared with the stored ones, and the
difference is shown. With --html the notebooks are also written as web pages. Needs the "notebooks"
extra.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> Any:
    """The notebook at ``path`` after running all of it in a new kernel."""
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=folder)
    client.coalesce_streams = True
    client.execute()
    # Metadata about the run (times, versions) would change every time.
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def said(notebook: Any) -> Iterator[str]:
    """All outputs of the cells, line by line: text, errors, and pictures drawn by extcal.

    The HTML of a data frame depends on its library's version, so it is left out.
    """
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", ()):
            yield f"-- cell {number}: {output.output_type}"
            for kind, text in _texts(output):
                yield f"{kind}:"
                yield from _lines(text)


def _texts(output: Any) -> Iterator[tuple[str, str]]:
    if output.output_type == "stream":
        yield output.name, output.text
    elif output.output_type == "error":
        yield "error", f"{output.ename}: {output.evalue}"
    else:
        for kind, text in sorted(output.data.items()):
            if kind != "text/html" or "extcal-grid" in text:
                yield kind, text


def _lines(text: str) -> Iterable[str]:
    # Markup is compared with one element per line, so that a difference is readable.
    return text.replace("><", ">\n<").splitlines()


def as_page(notebook: Any, theme: str) -> str:
    """The notebook as JupyterLab would show it."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab")
    exporter.theme = theme
    page: str = exporter.from_notebook_node(notebook)[0]
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the notebooks of examples/ anew.")
    parser.add_argument("--check", action="store_true", help="only compare with what is kept")
    parser.add_argument("--html", type=Path, metavar="FOLDER", help="write pages to look at")
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(EXAMPLES.glob("*.ipynb")))
    arguments = parser.parse_args()
    failed = False
    for path in arguments.notebooks:
        try:
            made = run(path)
        except CellExecutionError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed = True
            continue
        if arguments.html is not None:
            arguments.html.mkdir(parents=True, exist_ok=True)
            for theme in ("light", "dark"):
                page = as_page(made, theme)
                (arguments.html / f"{path.stem}-{theme}.html").write_text(page, "utf-8")
        if arguments.check:
            kept = list(said(nbformat.read(path, as_version=4)))
            difference = list(
                difflib.unified_diff(kept, list(said(made)), "kept", "run", lineterm="")
            )
            failed = failed or bool(difference)
            print(f"{path.name}: {'differs' if difference else 'as kept'}", *difference, sep="\n")
        else:
            nbformat.write(made, path)
            print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in made.cells)} cells run")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
