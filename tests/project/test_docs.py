"""Do the documents say what is the case?"""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/*.md", "release/*.md", "autograded/*.md")
    for path in sorted(ROOT.glob(pattern))
]


def points(assignment: str) -> tuple[float, float, float, float]:
    """By tests, by hand, and the same two of the bonus."""
    path = ROOT / "source" / assignment / f"{assignment}.ipynb"
    total = {(manual, bonus): 0.0 for manual in (False, True) for bonus in (False, True)}
    for cell in nbformat.read(path, as_version=4).cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade"):
            total[marks["solution"], "bonus" in marks["grade_id"]] += marks["points"]
    return total[False, False], total[True, False], total[False, True], total[True, True]


def test_points_table_is_the_notebooks() -> None:
    text = (ROOT / "docs" / "instructors.md").read_text()
    assignments = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
    for assignment in assignments:
        tests, hand, bonus_tests, bonus_hand = points(assignment)
        row = (
            f"| {assignment} | {tests:g} | {hand:g} | {bonus_tests:g} | {bonus_hand:g} "
            f"| {tests + hand:g} + {bonus_tests + bonus_hand:g} |"
        )
        assert row in text


def test_every_point_is_traced_to_a_requirement() -> None:
    """Each graded cell has one row, with its points; no row speaks of a cell that is not there."""
    text = (ROOT / "docs" / "requirements.md").read_text()
    rows = re.findall(r"^\| [A-E, ]+ \| .+ \| (\d\d) \| `([\w-]+)` \| ([\d.]+) \|$", text, re.M)
    told = [(assignment, cell, float(worth)) for assignment, cell, worth in rows]
    graded = [
        (path.name[:2], marks["grade_id"], float(marks["points"]))
        for path in sorted((ROOT / "source").glob("*/*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if (marks := cell.metadata.get("nbgrader", {})).get("grade")
    ]
    assert sorted(told) == sorted(graded)


def test_every_setting_in_the_environment_has_a_row() -> None:
    """In the one table, and no row speaks of a setting that nothing reads."""
    told = re.findall(r"^\| `(SKIPGRADE_\w+)` \|", (ROOT / "docs/instructors.md").read_text(), re.M)
    files = [*ROOT.glob("skipgrade/**/*.py"), *ROOT.glob("source/*/*.ipynb")]
    files += [ROOT / "Makefile", ROOT / "nbgrader_config.py"]
    read = {name for file in files for name in re.findall(r"SKIPGRADE_[A-Z]\w*", file.read_text())}
    assert sorted(told) == sorted(read)


def test_messages_quoted_for_students_exist() -> None:
    """Each message in the table of troubles is one that a notebook can show."""
    table = (ROOT / "docs" / "students.md").read_text().split("## When something goes wrong")[1]
    quoted = re.findall(r'^\|[^|]*?"([^"|]+)"[^|]*\|', table, re.M)
    files = [*ROOT.glob("skipgrade/lab/*.py"), ROOT / "skipgrade" / "classroom" / "colab.py"]
    shown = "\n".join(path.read_text() for path in files)
    assert quoted
    for message in quoted:
        assert all(part in shown for part in message.split("cifar10")), message


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
