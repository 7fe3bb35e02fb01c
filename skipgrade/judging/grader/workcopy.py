"""[grader] Where a submission runs: a copy of it, without the hidden tests, far from the course."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from skipgrade.judging.grader.source import split
from skipgrade.judging.intake.plain_files import copy_plain, entries
from skipgrade.judging.watermark import SUFFIX, watermarked
from skipgrade.sandbox.folders import remove


@dataclass
class WorkingCopy:
    folder: Path  # the kernel's working folder


@contextmanager
def working_copy(
    hand_in: Path, notebook_name: str, notebook: NotebookNode, mark: str
) -> Iterator[WorkingCopy]:
    """Copy everything handed in, histories marked; write the notebook without hidden parts."""
    root = Path(tempfile.mkdtemp(prefix="skipgrade-"))
    try:
        copy = WorkingCopy(root / "work")
        copy_plain_files(hand_in, copy.folder)
        for path in copy.folder.glob(f"*{SUFFIX}"):
            path.write_bytes(watermarked(path.read_bytes(), f"{mark}\n{path.name}"))
        text = json.dumps(without_hidden(notebook), ensure_ascii=False)
        (copy.folder / f"{notebook_name}.ipynb").write_text(text, encoding="utf-8")
        yield copy
    finally:
        _remove(root)


def _remove(root: Path) -> None:
    """Remove what a submission leaves; a disk that refuses is not the student's fault."""
    try:
        remove(root)
    except OSError as error:
        logging.getLogger(__name__).warning("%s could not be removed: %s", root, error)


def copy_plain_files(origin: Path, target: Path) -> None:
    """Copy ordinary files, but no notebooks (they hold hidden tests) and nothing behind a link."""
    target.mkdir(parents=True)
    for entry in entries(origin):
        if not entry.odd and entry.path.suffix != ".ipynb":
            copy_plain(origin / entry.path, target / entry.path)


def without_hidden(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook that holds only what its author could see."""
    bare = nbformat.from_dict(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.source = split(cell.source)[0]
    return bare
