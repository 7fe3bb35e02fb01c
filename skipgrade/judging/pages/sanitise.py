"""[grader] What a submission wrote, made fit to be shown to anyone.

Formgrader, feedback and JupyterLab all show the notebooks under autograded/, so it is done to what
is stored there: `Sanitise` to what was handed in, before anything is written, and `sanitise` once
more to what the notebook showed when it ran, when its kernel is gone. Verdicts are written after
that. They are known by where they stand, never by what they look like.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum

from skipgrade.judging.intake.exporter import LEFT_OUT, UNREADABLE
from skipgrade.judging.pages.markup import clean_text, safe_html, safe_markdown, safe_tex
from skipgrade.judging.repairs import KEY as REPAIRS

OURS = ("nbgrader", "skipgrade")  # metadata of a cell that is not the student's
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3", "file_extension": ".py"}
PICTURES = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp",
}  # fmt: skip
MARKUP = {"text/html": safe_html, "text/markdown": safe_markdown, "text/latex": safe_tex}
MOST_PIXELS = 4000
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_ATTACHED = re.compile(r"attachment:[^\s)]*")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class UnfitNameError(ValueError):
    """A student's folder has a name that Formgrader would read as HTML."""


class Sanitise(NbGraderPreprocessor):
    """Last except for CheckMetadataOnce in `c.Autograde.sanitize_preprocessors`."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        student = resources["nbgrader"]["student"]
        if set(student) & set('<>"&'):
            raise UnfitNameError(f'the folder {student!r} has one of <>"& in its name: rename it')
        sanitise(nb)
        return nb, resources


def sanitise(nb: NotebookNode) -> None:
    """Leave in the notebook only what a page can show safely; twice is as good as once."""
    kept = {
        name: nb.metadata[name]
        for name in ("skipgrade", UNREADABLE, LEFT_OUT, REPAIRS)
        if name in nb.metadata
    }
    kernel = nb.metadata.get("kernelspec")
    if isinstance(kernel, dict):
        kept["kernelspec"] = NotebookNode({name: clean_text(kernel[name]) for name in kernel})
    nb.metadata = NotebookNode(language_info=NotebookNode(LANGUAGE), **kept)
    named = nb.get("nbformat_minor", 0) >= 5  # before that no cell has a name of its own
    for number, cell in enumerate(nb.cells, start=1):
        _sanitise_cell(cell, f"cell-{number}" if named else "")


def _sanitise_cell(cell: NotebookNode, name: str) -> None:
    times = cell.metadata.get("execution")
    cell.metadata = NotebookNode({key: cell.metadata[key] for key in OURS if key in cell.metadata})
    if isinstance(times, dict):  # from the kernel's messages
        cell.metadata["execution"] = NotebookNode(
            {clean_text(key): clean_text(value) for key, value in times.items()}
        )
    if name and not (isinstance(cell.get("id"), str) and _ID.fullmatch(cell.id)):
        cell.id = name
    elif not name:
        cell.pop("id", None)
    cell.source = clean_text(cell.source)
    attached = cell.pop("attachments", {})
    if cell.cell_type == "code":
        cell.execution_count = _count(cell.get("execution_count"))
        cell.outputs = [safe for one in cell.outputs if (safe := _output(one)) is not None]
    elif cell.cell_type == "markdown":
        pictures, names = _pictures(attached)
        if not _as_released(cell, names):
            cell.source = safe_markdown(cell.source, names)
        if pictures:
            cell.attachments = pictures
    else:  # shown by nobody as it is meant, which only its author knows
        cell.source = safe_markdown(cell.source)


def _as_released(cell: NotebookNode, names: Mapping[str, str]) -> bool:
    """Whether the instructor wrote it: nbgrader compares unanswered cells byte by byte."""
    marks = cell.metadata.get("nbgrader", {})
    if not marks.get("checksum") or marks["checksum"] != compute_checksum(cell):
        return False
    there = {f"attachment:{name}" for name, now in names.items() if now == name}
    return there >= set(_ATTACHED.findall(cell.source))


def _pictures(attached: Any) -> tuple[NotebookNode, dict[str, str]]:
    """The attachments that are pictures, under names every program finds; and those names."""
    pictures = NotebookNode()
    names: dict[str, str] = {}
    for name, forms in attached.items() if isinstance(attached, dict) else ():
        for kind, data in forms.items() if isinstance(forms, dict) else ():
            if kind in PICTURES and (sound := _base64(data)):
                plain = _NAME.fullmatch(name)
                names[name] = name if plain else f"picture-{len(names) + 1}.{PICTURES[kind]}"
                pictures[names[name]] = NotebookNode({kind: sound})
                break
    return pictures, names


def _output(output: Any) -> NotebookNode | None:
    """One output rewritten, with nothing in it that we do not know."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return NotebookNode(output_type=kind, name=name, text=clean_text(output.get("text")))
    if kind == "error":
        lines = output.get("traceback")
        return NotebookNode(
            output_type=kind,
            ename=clean_text(output.get("ename")),
            evalue=clean_text(output.get("evalue")),
            traceback=[clean_text(line) for line in lines] if isinstance(lines, list) else [],
        )
    if kind not in ("display_data", "execute_result"):
        return None
    data = output.get("data")
    sizes = output.get("metadata")
    safe = NotebookNode(
        output_type=kind,
        data=_data(data if isinstance(data, dict) else {}),
        metadata=_sizes(sizes if isinstance(sizes, dict) else {}),
    )
    if kind == "execute_result":
        safe.execution_count = _count(output.get("execution_count"))
    return safe


def _data(data: Mapping[str, Any]) -> NotebookNode:
    """What can be shown, of all the forms something is displayed in."""
    safe = NotebookNode()
    for kind, value in data.items():
        if kind == "text/plain":
            safe[kind] = clean_text(value)
        elif kind in MARKUP:
            if (text := MARKUP[kind](clean_text(value))) and _shows(text):
                safe[kind] = text
        elif kind in PICTURES and (sound := _base64(value)):
            safe[kind] = sound
    if "image/svg+xml" in data and not any(kind in safe for kind in PICTURES):
        safe["text/html"] = _drawing(clean_text(data["image/svg+xml"]))
    if not safe:
        told = ", ".join(clean_text(kind)[:60] for kind in data)
        safe["text/plain"] = f"(not shown: {told or 'nothing'})"
    return safe


def _shows(markup: str) -> bool:
    return "<img" in markup or bool(re.sub(r"<[^>]*>", "", markup).strip())


def _drawing(svg: str) -> str:
    """A drawing as a picture: there a browser runs none of its scripts and loads nothing for it."""
    data = b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="a drawing">'


def _sizes(metadata: Mapping[str, Any]) -> NotebookNode:
    safe = NotebookNode()
    for kind in PICTURES:
        asked = metadata.get(kind)
        for name in ("width", "height"):
            pixels = asked.get(name) if isinstance(asked, dict) else None
            if type(pixels) is int and 0 < pixels <= MOST_PIXELS:
                safe.setdefault(kind, NotebookNode())[name] = pixels
    return safe


def _base64(value: Any) -> str:
    text = re.sub(r"\s", "", clean_text(value))
    return text if _BASE64.fullmatch(text) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 10**9 else None
