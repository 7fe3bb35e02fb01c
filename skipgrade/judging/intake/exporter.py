"""[grader] Reads what was handed in, and reports as zero what cannot be read.

nbgrader gives up on a submission that is not a notebook, and its run ends in an error. This
exporter reads it as the empty release version, marked with the reason, so that every cell gets its
zero on the record.
"""

from __future__ import annotations

import fnmatch
import glob
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import Exporter, ResourcesDict
from nbformat import NotebookNode
from nbformat.v4.rwbase import strip_transient
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from traitlets import default

from skipgrade.judging.grader.notebook_paths import released_path
from skipgrade.judging.intake.parsing import LARGEST, NotANotebookError, parse
from skipgrade.judging.intake.plain_files import NotPlainFileError, open_plain
from skipgrade.judging.intake.submissions import PlainHandIns, Submission
from skipgrade.judging.repairs import add_repairs

UNREADABLE = "skipgrade_unreadable"
LEFT_OUT = "skipgrade_left_out"


class SubmissionExporter(NotebookExporter):
    """nbconvert's notebook exporter, for files that may not be notebooks, nor files.

    nbgrader makes it when it has listed the submissions, before it reads anything in them; from
    then on it sees them through `PlainHandIns`.
    """

    def __init__(self, config: Any = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.parent: Autograde
        self.parent.coursedir = PlainHandIns.of(self.parent.coursedir, self.parent.log)
        self.parent.assignments = assignments(self.parent)

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        if resources is None:
            raise TypeError("SubmissionExporter is for nbgrader's Autograde alone")
        path = Path(filename)
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        student, assignment = (resources["nbgrader"][name] for name in ("student", "assignment"))
        course: PlainHandIns = self.parent.coursedir
        autograded = course.format_path(course.autograded_directory, student, assignment)
        if path.parent == course.place(student, assignment):
            notebook = self._submitted(path, course.hand_in(student, assignment), resources)
        elif path.parent == Path(autograded):
            notebook = nbformat.read(path, as_version=4)
        else:
            raise RuntimeError(f"{path} is neither handed in nor autograded by {student}")
        return self.from_notebook_node(notebook, resources, **kw)

    @default("optimistic_validation")
    def _once_at_the_end(self) -> bool:
        return True

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """What the preprocessors make of it, as text without indentation: json takes ten times as
        long to indent, and Jupyter and nbgrader are the only ones who read this.
        """
        done, resources = Exporter.from_notebook_node(self, nb, resources, **kw)
        resources["output_suffix"] = ".nbconvert"
        text = json.dumps(strip_transient(done), ensure_ascii=False, sort_keys=True)
        return f"{text}\n", resources

    def _submitted(
        self, path: Path, submission: Submission, resources: dict[str, Any]
    ) -> NotebookNode:
        try:
            notebook = read_submitted(submission, path.name)
        except (NotPlainFileError, NotANotebookError) as error:
            notebook = nbformat.read(released_path(self.parent, resources), as_version=4)
            notebook.metadata[UNREADABLE] = what_is_wrong(path.name, error)
        add_repairs(notebook, submission.repairs)
        notebook.metadata[LEFT_OUT] = submission.left_out(but_for=path.name)
        return notebook


class AutogradeOne(Autograde):
    """nbgrader's Autograde for one student, whatever the notebook is called or packed in."""

    coursedir: Any

    def init_notebooks(self) -> None:
        try:
            super().init_notebooks()
        except NbGraderException:
            if not puts_names_right(self):
                raise
            self.coursedir = PlainHandIns.of(self.coursedir, self.log)
            if not assignments(self):
                raise


def puts_names_right(converter: Autograde) -> bool:
    """Whether the course is configured to read a submission's files under the names asked for."""
    return issubclass(converter.exporter_class, SubmissionExporter)


def assignments(converter: Autograde) -> dict[str, list[str]]:
    """What nbgrader is to convert: submissions, each notebook by the name it is read under."""
    course: PlainHandIns = converter.coursedir
    pattern = course.place(course.student_id, course.assignment_id)
    form = course.format_path(
        course.submitted_directory, "(?P<student>.*)", "(?P<assignment>.*)", escape=True
    )
    found = {}
    for folder in glob.glob(str(pattern)):  # noqa: PTH207 (Path.glob would find hidden ones)
        if named := re.fullmatch(form, folder):
            there = fnmatch.filter(
                course.notebooks(**named.groupdict()), f"{course.notebook_id}.ipynb"
            )
            if there:
                found[folder] = [str(Path(folder, name)) for name in there]
    return found


def read_submitted(submission: Submission, name: str) -> NotebookNode:
    """The notebook a student handed in; else `NotPlainFileError` or `NotANotebookError`."""
    if odd := submission.odd.get(Path(name)) or submission.odd.get(Path()):
        raise NotPlainFileError(odd)
    with open_plain(submission.folder / name) as file:
        return parse(file.read(LARGEST + 1))


def what_is_wrong(name: str, error: NotPlainFileError | NotANotebookError) -> str:
    """The same in a sentence."""
    if isinstance(error, NotPlainFileError):
        return f"{name} {error}."
    return f"{name} is not a notebook: {error}."


def reason_unreadable(notebook: NotebookNode) -> str:
    """Why the submission could not be read; empty when it could."""
    return str(notebook.metadata.get(UNREADABLE, ""))


def left_out(notebook: NotebookNode) -> list[str]:
    """What was handed in next to the notebook and is not read, in words."""
    return [f"Left out of the submission: {told}." for told in notebook.metadata.get(LEFT_OUT, ())]
