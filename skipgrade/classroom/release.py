"""What students get: release/, generated from source/ by nbgrader's own converter."""

from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment

from skipgrade.classroom import lint
from skipgrade.classroom.answer_key import leaks
from skipgrade.classroom.colab import BADGE, ColabHeader
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import ConversionError, CourseError
from skipgrade.classroom.wheel import build_student_wheel
from skipgrade.lab import visible

README = """\
# For students

Generated from `source/` by `make release`; edits here are lost.

{about}| assignment | points | on Colab |
|---|---|---|
{rows}

Open the badge, save a copy in your Drive, work from top to bottom, and hand in the zip that the
notebook's last cell writes. [docs/students.md](../docs/students.md) says more.
"""


def generate(course: Course, assignments: Sequence[str], say: Callable[[str], None]) -> None:
    """Write release/<assignment>/ for each, and tell the gradebook what there is to grade."""
    lint.demand_sound(course, assignments)
    for assignment in assignments:
        try:
            course.run(GenerateAssignment, assignment, ".")
        except ConversionError as error:
            raise CourseError(f"source/{assignment} could not be released: {error}") from error
        say(f"  release/{assignment}: {_points_text(_released(course, assignment))}")


def folder(course: Course) -> Path:
    """release/, where something has been released."""
    found = course.folder("release", "*").parent
    if not any(found.glob("*/*.ipynb")):
        raise CourseError(f"{found} holds no notebook: run `skipgrade release` first.")
    return found


def complete(course: Course, say: Callable[[str], None]) -> None:
    """Complete release/: the student's wheel, and a README about the course and its notebooks."""
    release = folder(course)
    for old in release.glob("*.whl"):
        old.unlink()
    notebooks = {one: _released(course, one) for one in course.assignments()}
    tasks = {
        name: visible.tasks_of(notebook.cells)
        for released in notebooks.values()
        for name, notebook in released.items()
    }
    wheel = build_student_wheel(release, {visible.FILE: visible.to_json(tasks)})
    say(f"  release/{wheel.name}: {wheel.stat().st_size / 1000:.0f} kB")
    header = ColabHeader(config=course.config)
    rows = []
    for assignment, released in notebooks.items():
        for name, notebook in released.items():
            link = f"[![Open in Colab]({BADGE})]({header.notebook_address(assignment, name)})"
            points = _points_text({name: notebook})
            rows.append(f"| [{name}]({assignment}/{name}.ipynb) | {points} | {link} |")
    (release / "README.md").write_text(README.format(about=_about(course), rows="\n".join(rows)))
    say("  release/README.md")
    if found := leaks(course, release):
        raise CourseError(
            f"{release} holds what no student may see. nbgrader releases every file next to a "
            "source notebook: take it out there, and release again.",
            found,
        )


def _about(course: Course) -> str:
    """What the instructor tells students of the whole course: source/README.md, if there is one."""
    page = course.folder("source", "*").parent / "README.md"
    return f"{page.read_text(encoding='utf-8').strip()}\n\n" if page.is_file() else ""


def _released(course: Course, assignment: str) -> dict[str, NotebookNode]:
    return {
        path.stem: nbformat.read(path, as_version=nbformat.NO_CONVERT)
        for path in sorted(course.folder("release", assignment).glob("*.ipynb"))
    }


def _points_text(notebooks: dict[str, NotebookNode]) -> str:
    automatic = manual = 0.0
    for notebook in notebooks.values():
        for cell in notebook.cells:
            grading = cell.metadata.get("nbgrader", {})
            if not grading.get("grade") and not grading.get("task"):
                continue
            if cell.cell_type == "code" and not grading.get("solution"):
                automatic += grading["points"]
            else:
                manual += grading["points"]
    return f"{automatic:g} automatic + {manual:g} read by a person"
