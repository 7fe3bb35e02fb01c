"""What does a student's page say: the total first, then what to fix, then the notebook?"""

import html
import re

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from skipgrade.classroom import feedback, record
from skipgrade.classroom.course import Course
from skipgrade.classroom.feedback_page import Line, most_worth_fixing
from skipgrade.classroom.marks import Task
from skipgrade.classroom.outline import headings
from skipgrade.classroom.task import DIED
from skipgrade.judging.verdict import Reason, message
from tests.judging import tiny
from tests.judging.tiny import ANSWERS, NAME

from .conftest import ASSIGNMENT, submit


def quiet(text: str) -> None:
    """Progress nobody reads."""


def text_of(page: str) -> str:
    """A page as one reads it, without its style sheet."""
    page = re.sub(r"<style.*?</style>|<script.*?</script>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def sections(page: str) -> dict[str, bool]:
    """The notebook's sections, and whether each is open."""
    found = re.findall(r"<details( open=\"\")?><summary><span>(.*?)</span>", page)
    return {title: bool(opened) for opened, title in found}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Ada lost points with `double`, answered in words, and has the bonus."""
    root = tmp_path_factory.mktemp("feedback") / "course"
    more = [
        new_markdown_cell("## Part 2 · Words\n\n### Why?", id="heading"),
        tiny.written_answer(),
    ]
    config = "c.Marking.bonus = ['number*']"
    made = tiny.make(root, config=config, more=more)
    answers = {**ANSWERS, "double": "def double(x):\n    return 3 * x", "why": "Since x + x = 2 x."}
    made.hand_in("ada", answers)
    done = made.nbgrader("autograde", NAME)
    assert done.returncode == 0, done.stderr[-3000:]
    return Course(root)


def page_by(course: Course, command: str) -> str:
    if command == "skipgrade":
        return feedback.generate(course, NAME, quiet)["ada"].read_text()
    done = tiny.TinyCourse(course.root).nbgrader("generate_feedback", NAME, "--force")
    assert done.returncode == 0, done.stderr[-3000:]
    return (course.folder("feedback", NAME, "ada") / f"{NAME}.html").read_text()


def test_both_commands_write_the_same_page(course: Course) -> None:
    assert page_by(course, "skipgrade") == page_by(course, "nbgrader")


def test_the_total_comes_first_and_says_what_it_consists_of(course: Course) -> None:
    said = text_of(page_by(course, "skipgrade"))
    assert "ada tiny 7 of 7 so far; 2 not read yet What it consists of" in said
    assert "by tests 3 of 5 by a person not read yet (2) bonus, on top 4 of 4 together 7" in said
    order = [said.index(one) for one in ("together", "Worth fixing first", "Tasks", "The notebook")]
    assert order == sorted(order)


def test_what_waits_for_a_person_is_never_a_zero(course: Course) -> None:
    page = page_by(course, "skipgrade")
    said = text_of(page)
    assert "0.0" not in said
    assert "Part 2 · Words · 0 of 2, 2 not read yet" in said
    assert "Why? written not read yet (2)" in said


def test_what_to_fix_is_told_with_what_came_and_a_link(course: Course) -> None:
    page = page_by(course, "skipgrade")
    said = text_of(page[page.index("Worth fixing first") : page.index("<h2>Tasks")])
    assert "2 points lost expected" in said and "found 9" in said
    assert 'href="#task-double-test"' in page and 'id="task-double-test"' in page


def test_what_has_all_its_points_is_folded(course: Course) -> None:
    assert sections(page_by(course, "skipgrade"))["Tiny"] is True
    with course.gradebook() as book:
        grade = book.find_grade("double-test", NAME, NAME, "ada")
        grade.manual_score = 2.0
        book.db.commit()
    try:
        page = page_by(course, "skipgrade")
        assert not any(sections(page).values())
        assert "Worth fixing first" not in page
        assert "by tests 5 of 5" in text_of(page)
    finally:
        with course.gradebook() as book:
            book.find_grade("double-test", NAME, NAME, "ada").manual_score = None
            book.db.commit()


def test_a_comment_is_shown_and_its_section_open(course: Course) -> None:
    with course.gradebook() as book:
        book.find_comment("why", NAME, NAME, "ada").manual_comment = "Say it in *words*."
        book.db.commit()
    page = page_by(course, "skipgrade")
    assert "Say it in <em>words</em>." in page
    assert sections(page)["Part 2 · Words · Why?"] is True


def test_the_page_needs_no_script_and_no_other_file(course: Course) -> None:
    page = page_by(course, "skipgrade")
    without = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert text_of(page) == text_of(without)
    assert set(re.findall(r'<script[^>]*src="([^"]*)"', page)) <= {
        one for one in re.findall(r'src="([^"]*)"', page) if "mathjax" in one.lower()
    }
    assert "<link" not in page and "@import" not in page


def test_the_penalty_for_a_malformed_submission_is_told(course: Course) -> None:
    course.config.Marking.malformed = {NAME: ["ada"]}
    try:
        said = text_of(page_by(course, "skipgrade"))
    finally:
        del course.config.Marking["malformed"]
    assert "not in the form that was asked for (20%) \N{MINUS SIGN}1.4 together 5.6" in said


def test_reasons_that_cost_most_come_first() -> None:
    def line(cell: str, points: float, most: float, *reasons: Reason) -> Line:
        return Line(Task(cell, points, most), cell, list(reasons))

    shared, other = message("7", "8", "sums"), Reason("no such file")
    fixes = most_worth_fixing(
        [
            line("a", 0, 2, other),
            line("b", 1, 3, shared),
            line("c", 0, 1, message("7", "8", "sums"), other),
            line("d", 1, 1),
            *(line(f"more-{n}", 0.5, 1, Reason(f"r{n}")) for n in range(5)),
        ]
    )
    assert [(fix.lost, [one.title for one in fix.lines]) for fix in fixes] == [
        (3, ["b", "c"]), (2, ["a"]), (0.5, ["more-0"])
    ]  # fmt: skip
    assert fixes[0].reason.hint == "sums"


def test_whoever_is_not_graded_gets_a_page_with_the_reason(finished: Course) -> None:
    submit(finished, "late", "2 * x")
    submit(finished, "large", "2 * x")
    submit(finished, "broken").write_text("{")
    record.Record(finished.root, ASSIGNMENT).add(record.Grading("", "large", failure=DIED))
    pages = feedback.generate(finished, ASSIGNMENT, quiet)
    told = {student: text_of(page.read_text()) for student, page in pages.items()}
    assert "Not graded yet Grading it did not come to its end" in told["late"]
    assert "Not graded yet The program that graded it was stopped each time" in told["large"]
    assert "Score: 0 It could not be read:" in told["broken"] and "JSON" in told["broken"]


def test_headings_in_code_are_none() -> None:
    cell = nbformat.v4.new_markdown_cell("## `One`\n\n```\n# no\n```\n### Two\n#three")
    assert headings(cell) == [(2, "One"), (3, "Two")]
