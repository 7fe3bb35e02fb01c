"""Does who grades see each mark scheme with its answer, and nobody else?"""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from skipgrade.classroom.course import Course
from skipgrade.classroom.mark_schemes import _scheme
from tests.classroom import browser, formgrader
from tests.classroom.test_pages import formgrader as page_of
from tests.judging import tiny
from tests.judging.tiny import ANSWERS, NAME

needs_chromium = pytest.mark.skipif(browser.PROGRAM is None, reason="no chromium is installed")
SCHEME = "1 point: *says* that $x + x = 2x$.\n½ point: an example.\n\n- no point for `double`"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Two answers that a person reads, one of them with a mark scheme."""
    answer, other = tiny.written_answer(), tiny.written_answer("how")
    answer.source = f"2x.\n\n=== BEGIN MARK SCHEME ===\n\n{SCHEME}\n\n=== END MARK SCHEME ==="
    root = tmp_path_factory.mktemp("schemes") / "course"
    made = tiny.make(root, more=[new_markdown_cell("## Why?", id="heading"), answer, other])
    made.hand_in("ada", {**ANSWERS, "why": "Since x + x = 2 x.", "how": "By *adding*."})
    for command in ("autograde", "generate_feedback"):
        done = made.nbgrader(command, NAME)
        assert done.returncode == 0, done.stderr[-3000:]
    return Course(root)


def page(course: Course) -> str:
    return page_of(course, course.folder("autograded", NAME, "ada") / f"{NAME}.ipynb")


def test_a_scheme_stands_folded_below_its_answer(course: Course) -> None:
    text = page(course)
    (fold,) = re.findall(r"<details.*?</details>", text, re.DOTALL)
    assert "<b>Mark scheme</b></summary>" in fold and "<em>says</em>" in fold
    assert "<li>no point for <code>double</code></li>" in fold
    places = [text.index(told) for told in ("Since x + x", "<details", "By <em>adding")]
    assert places == sorted(places)


def test_only_formgrader_shows_it(course: Course) -> None:
    """Students' pages and files have no word of it."""
    folders = [course.folder("release", NAME)]
    folders += [course.folder(step, NAME, "ada") for step in ("autograded", "feedback")]
    for folder in folders:
        (path,) = folder.glob(f"{NAME}.*")
        assert "Why?" in path.read_text() and "no point for" not in path.read_text(), path


def test_pages_without_a_course_or_a_source_are_as_before(course: Course, tmp_path: Path) -> None:
    graded = course.folder("autograded", NAME, "ada") / f"{NAME}.ipynb"
    elsewhere = tmp_path / graded.name
    nbformat.write(nbformat.read(graded, as_version=4), elsewhere)
    assert "Mark scheme" not in page_of(course, elsewhere)
    source = course.folder("source", NAME) / graded.name
    away = source.rename(source.with_suffix(".away"))
    try:
        assert "Mark scheme" not in page(course)
    finally:
        away.rename(source)


def test_the_scheme_is_what_stands_between_the_delimiters() -> None:
    assert _scheme("a\n# BEGIN b\n\nc\n# END b\nd\n# BEGIN b\ne\n# END b", "BEGIN", "END") == "c\ne"
    assert _scheme("none", "BEGIN", "END") == ""


@pytest.fixture(scope="module")
def address(course: Course) -> Iterator[str]:
    with formgrader.served(course.root) as address:
        yield address


@needs_chromium
def test_a_person_reads_it_and_gives_points(course: Course, address: str, tmp_path: Path) -> None:
    """With Formgrader itself, which reads the course's configuration."""
    with course.gradebook() as book:
        submission = book.find_submission_notebook(NAME, NAME, "ada").id
    with formgrader.tab() as page:
        page.open(f"{address}/formgrader/submissions/{submission}/")
        shown = "document.querySelector('details li').checkVisibility()"
        assert page.value(shown) is False
        page.click("summary")
        assert page.value(shown) is True
        page.picture(tmp_path / "formgrader.png")
    formgrader.grade(address, submission, "why", "1.5", "Well put.")
    with course.gradebook() as book:
        grade = book.find_grade("why", NAME, NAME, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.5, False)
        assert book.find_comment("why", NAME, NAME, "ada").manual_comment == "Well put."
