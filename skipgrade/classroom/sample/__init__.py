"""A sample class for assignment 01: right, wrong and dishonest submissions to try the grading on.

Each is the released notebook with cells filled in: the source's solutions for the honest ones, and
on top what `cells/<student>.py` says, cell by cell (`# %% grade_id`; `# %% *` is every other
answer). What training wrote is kept in `trained/`, in half precision to stay small.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import torch
from nbformat import NotebookNode
from safetensors.torch import load_file, save_file

from skipgrade.classroom.course import Course

ASSIGNMENT = "01-lenet5-pipeline"
HERE = Path(__file__).parent
MARKER = re.compile(r"### (BEGIN|END) SOLUTION")
MARK_SCHEME = re.compile(r"=== BEGIN MARK SCHEME ===.*?=== END MARK SCHEME ===", re.DOTALL)


@dataclass(frozen=True)
class Sample:
    """One submission: what it is, and which run's weights lie next to it."""

    student: str
    story: str
    honest: bool = True
    trained: str | None = "correct"
    cut_to: float = 1.0  # the share of the file that arrives


SAMPLES = (
    Sample("correct", "the source's solutions"),
    Sample("own-style", "correct, with other names and style, and warnings", trained="own-style"),
    Sample("wrong-padding", "LeNet-5 with padded convolutions", trained="wrong-padding"),
    Sample("strips-asserts", "no answers, and a transformer that removes asserts", False, None),
    Sample("equals-everything", "one object that equals everything", False, None),
    Sample("never-ends", "correct except for one endless cell"),
    Sample("not-json", "a truncated upload", cut_to=0.6),
)


def write_class(course: Course, say: Callable[[str], None]) -> None:
    """Put every sample under submitted/, as if its student had handed it in."""
    for sample in SAMPLES:
        folder = course.folder("submitted", ASSIGNMENT, sample.student)
        folder.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(notebook(course, sample))
        path = folder / f"{ASSIGNMENT}.ipynb"
        path.write_text(text[: int(len(text) * sample.cut_to)], encoding="utf-8")
        if sample.trained:
            unpack(HERE / "trained" / sample.trained, folder)
        say(f"  {sample.student:<18} {sample.story}")


def notebook(course: Course, sample: Sample) -> NotebookNode:
    """The released notebook, filled in as this student did."""
    filled = _read(course, "release")
    answers = solutions(course) if sample.honest else {}
    written = dict(_own_cells(sample.student))
    for cell in filled.cells:
        grading = cell.metadata.get("nbgrader", {})
        if not grading.get("solution"):
            continue
        name = grading["grade_id"]
        answer = written.get(name, answers.get(name))
        if answer is None and cell.cell_type == "code":
            answer = written.get("*")
        if answer is not None:
            cell.source = answer
    return filled


def solutions(course: Course) -> dict[str, str]:
    """The instructor's answer to every cell students fill in, as a student would have it."""
    found = {}
    for cell in _read(course, "source").cells:
        grading = cell.metadata.get("nbgrader", {})
        if grading.get("solution"):
            lines = [line for line in cell.source.splitlines() if not MARKER.search(line)]
            found[grading["grade_id"]] = MARK_SCHEME.sub("", "\n".join(lines)).strip()
    return found


def pack(run: Path, into: Path) -> None:
    """Keep what a training run wrote: weights in half precision, and the history."""
    into.mkdir(parents=True, exist_ok=True)
    for path in run.glob("*-best.safetensors"):
        _convert(path, into / path.name, torch.float32, torch.float16)
    for path in run.glob("*-history.json"):
        shutil.copy(path, into)


def unpack(kept: Path, folder: Path) -> None:
    """Lay a kept training run next to a notebook, as `lab.fit` had written it."""
    for path in kept.glob("*-best.safetensors"):
        _convert(path, folder / path.name, torch.float16, torch.float32)
    for path in kept.glob("*-history.json"):
        shutil.copy(path, folder)


def _convert(path: Path, target: Path, old: torch.dtype, new: torch.dtype) -> None:
    tensors = load_file(path)
    save_file({k: t.to(new) if t.dtype == old else t for k, t in tensors.items()}, target)


def _read(course: Course, step: str) -> NotebookNode:
    path = course.folder(step, ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def _own_cells(student: str) -> Iterator[tuple[str, str]]:
    path = HERE / "cells" / f"{student}.py"
    if not path.is_file():
        return
    _, *parts = re.split(r"^# %% (\S+)$", path.read_text(), flags=re.MULTILINE)
    for name, source in zip(parts[::2], parts[1::2], strict=True):
        yield name, source.strip()
