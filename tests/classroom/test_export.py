"""Do grades get into each platform's own gradebook file, and nothing else of it changes?"""

import csv
import io
import subprocess
from pathlib import Path

import pytest

from skipgrade import cli
from skipgrade.classroom import report
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.export import Csv
from skipgrade.classroom.lms_file import LAYOUTS, LmsFile
from tests.conftest import run_nbgrader

from .conftest import ASSIGNMENT
from .gradebooks import grade_by_hand

# As the platforms write them; `{}` is where the points of "right" and of "wrong" come in.
RECORDED = {
    "canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Section,00-warm-up (241017),Essay (9),Final Score\n"
        ",,,,,Manual Posting,,(read only)\n"
        "    Points Possible,,,,,5.00,40.00,(read only)\n"
        '"Wright, Ada",42,12345678,right,Math 123 S101v,{},34.00,87.5\n'
        '"Wrong, Bob",43,12345679,wrong,Math 123 S101v,{},,0.00\n'
        '"Student, Test",99,,bbbc6740f0b946af,Math 123 S101v,,,0.00\n'
    ),
    "canvas, all quoted": (
        '"Student","ID","SIS User ID","SIS Login ID","Section","00-warm-up (241017)"\r\n'
        '"    Points Possible","","","","","5.00"\r\n'
        '"Ada ""the first"" Wright","42","RIGHT","a.wright","101","{}"\r\n'
        '"Bob Wrong","43","WRONG","b.wrong","101","{}"\r\n'
    ),
    "moodle": (
        '\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,'
        '"Maximum Grade",'
        '"Grade can be changed","Last modified (submission)","Feedback comments"\n'
        'Participant 1001,"Ada Wright",right,ada@example.org,"Submitted for grading",{},5.00,Yes,'
        '"Monday, 2 November 2026, 9:00 PM",\n'
        'Participant 1002,"Bob Wrong",,wrong@example.org,"Submitted for grading",{},5.00,Yes,-,\n'
        'Participant 1003,"Eve Absent",eve,eve@example.org,"No submission",,5.00,Yes,-,\n'
    ),
    "moodle, with decimal commas": (
        "Identifier;Full name;Email address;Status;Grade;Maximum Grade;Grade can be changed\r\n"
        "Teilnehmer/in1;Ada Wright;right@example.org;Abgegeben;{};5,00;Ja\r\n"
        "Teilnehmer/in2;Bob Wrong;wrong@example.org;Abgegeben;{};5,00;Ja\r\n"
    ),
    "blackboard": (
        '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Availability"\t'
        '"00-warm-up [Total Pts: 5 Score] |534283"\t"Quiz [Total Pts: 2 Score] |534284"\n'
        '"Wright"\t"Ada"\t"right"\t"M1"\t"Yes"\t"{}"\t"2.00"\n'
        '"Wrong"\t"Bob"\t"wrong"\t"M2"\t"Yes"\t"{}"\t""\n'
    ),
    "gradescope": (
        "First Name,Last Name,SID,Email,Sections,00-warm-up,00-warm-up - Max Points,"
        "00-warm-up - Submission Time,00-warm-up - Lateness (H:M:S),Total Lateness (H:M:S)\n"
        "Ada,Wright,right,ada@example.org,,{},5.0,2026-11-02 21:00:00 +0000,00:00:00,00:00:00\n"
        "Bob,Wrong,wrong,bob@example.org,,{},5.0,2026-11-02 21:00:00 +0000,00:00:00,00:00:00\n"
    ),
}  # fmt: skip


def encoded(name: str, text: str) -> bytes:
    return text.encode("utf-16" if name == "blackboard" else "utf-8")


def export(course: Course, *arguments: str) -> int:
    return cli.main(["--course", str(course.root), "export", ASSIGNMENT, *arguments])


@pytest.mark.parametrize("name", RECORDED)
def test_a_platforms_file_is_filled_in_and_otherwise_the_same(
    finished: Course, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grade_by_hand(finished, "wrong")
    theirs, ours = tmp_path / "theirs.csv", tmp_path / "ours.csv"
    theirs.write_bytes(encoded(name, RECORDED[name].format("", "")))
    platform = name.partition(",")[0]
    done = export(finished, "--to", platform, "--gradebook", str(theirs), "--into", str(ours))
    assert done == cli.DONE, capsys.readouterr().err
    points = ("3", "3,75" if "commas" in name else "3.75")
    assert ours.read_bytes() == encoded(name, RECORDED[name].format(*points))
    said = capsys.readouterr().out
    assert ("left out" in said) == (name in ("canvas", "moodle")), "Test Student, and Eve"


@pytest.mark.parametrize("name", RECORDED)
def test_a_file_nothing_is_filled_into_comes_out_to_the_byte(tmp_path: Path, name: str) -> None:
    theirs, ours = tmp_path / "theirs.csv", tmp_path / "ours.csv"
    theirs.write_bytes(encoded(name, RECORDED[name].format("1", "")))
    LmsFile(theirs, LAYOUTS[name.partition(",")[0]]).write(ours)
    assert ours.read_bytes() == theirs.read_bytes()


def test_report_export_and_gradebook_give_the_same_totals(finished: Course, tmp_path: Path) -> None:
    """Manual points, extra credit, bonus, cap, lateness and the form's penalty at once."""
    grade_by_hand(finished, "wrong")
    with (finished.root / "nbgrader_config.py").open("a") as file:
        file.write(
            f"c.Marking.malformed = {{'{ASSIGNMENT}': ['wrong']}}\n"
            "c.Marking.bonus = ['why']\n"
            f"c.Marking.capped = [['{ASSIGNMENT}']]\n"
            "from skipgrade.classroom.late import LateByDays\n"
            "c.AssignLatePenalties.plugin_class = LateByDays\n"
            "c.LateByDays.share_a_day = 0.2\n"
        )
    course = Course(finished.root)
    with course.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate="2026-01-02 12:00:00 UTC")
        late = "2026-01-02 18:00:00 UTC"
        book.update_or_create_submission(ASSIGNMENT, "wrong", timestamp=late)
        formgrader = {one["student"]: one for one in book.submission_dicts(ASSIGNMENT)}
    told = {row.student: row for row in report.rows(course, ASSIGNMENT)}
    into = tmp_path / "grades.csv"
    assert export(course, "--to", "csv", "--into", str(into)) == cli.DONE
    exported = {row["student_id"]: row for row in csv.DictReader(into.open())}
    assert {*told} == {*exported} == {*formgrader} == {"right", "wrong"}
    for student, row in told.items():
        one = exported[student]
        assert float(one[f"{ASSIGNMENT} total"]) == row.total
        parts = ("points", "bonus", "extra_credit")
        assert sum(float(one[f"{ASSIGNMENT} {part}"]) for part in parts) == pytest.approx(
            formgrader[student]["score"]
        )
    wrong = told["wrong"].marks
    assert wrong is not None
    assert (wrong.points, wrong.bonus, wrong.extra, wrong.late) == (1.5, 2, 0.25, 0.75)
    assert told["wrong"].total == pytest.approx((3.75 - 0.75) * 0.8)


def test_the_plugins_are_nbgraders(finished: Course, tmp_path: Path) -> None:
    """`nbgrader export` with one of them writes what `skipgrade export` writes."""
    theirs = tmp_path / "theirs.csv"
    theirs.write_text(RECORDED["canvas"].format("", ""))
    ours = tmp_path / "ours.csv"
    assert export(finished, "--to", "canvas", "--gradebook", str(theirs), "--into", str(ours)) == 0
    done: subprocess.CompletedProcess[str] = run_nbgrader(
        finished, "export", "--exporter=skipgrade.classroom.export.Canvas",
        f"--Canvas.gradebook={theirs}", f"--to={tmp_path / 'stock.csv'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "stock.csv").read_bytes() == ours.read_bytes()


def test_a_roster_gives_the_platforms_other_names(finished: Course, tmp_path: Path) -> None:
    theirs, roster = tmp_path / "theirs.csv", tmp_path / "class.csv"
    theirs.write_text("Student,ID,Section,00-warm-up (1)\nÁda Wright,7,1,\nBob Wrong,8,1,\n")
    roster.write_text('id,name\nright,"Wright, Ada"\nwrong,Bob Wrong\n')
    into = tmp_path / "o.csv"
    options = ["--gradebook", str(theirs), "--roster", str(roster), "--into", str(into)]
    assert export(finished, "--to", "canvas", *options) == cli.DONE
    assert into.read_text().splitlines()[1:] == ["Áda Wright,7,1,3", "Bob Wrong,8,1,0"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Student,Points", "is not a gradebook of canvas"),
        ("Student,ID,Section,Essay (1)", "no column 00-warm-up"),
        ("Student,ID,Section,00-warm-up (1),00-warm-up (2)", "2 columns"),
    ],
)
def test_a_file_that_does_not_fit_is_told(
    finished: Course, tmp_path: Path, header: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "theirs.csv"
    theirs.write_text(header + "\n")
    into = tmp_path / "o.csv"
    done = export(
        finished, "--to", "canvas", "--gradebook", str(theirs), "--into", str(into)
    )  # fmt: skip
    assert done == cli.NOT_DONE and not into.exists()
    assert told in capsys.readouterr().err


def test_without_the_platforms_file_it_says_where_that_is(
    finished: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(finished, "--to", "moodle") == cli.NOT_DONE
    assert "Download grading worksheet" in capsys.readouterr().err


def test_removed_students_are_not_exported(finished: Course, tmp_path: Path) -> None:
    with finished.gradebook() as book:
        book.remove_student("wrong")
    into = tmp_path / "o.csv"
    assert export(finished, "--to", "csv", "--into", str(into)) == cli.DONE
    assert [row["student_id"] for row in csv.DictReader(io.StringIO(into.read_text()))] == ["right"]


def test_assignments_under_one_cap_have_their_sum(finished: Course, tmp_path: Path) -> None:
    with finished.gradebook() as book:
        book.add_assignment("00-second")
    course = Course(finished.root)
    course.config.Marking.capped = [[ASSIGNMENT, "00-second"]]
    into = tmp_path / "o.csv"
    with course.gradebook() as book:
        Csv(config=course.config, to=str(into)).export(book)
    head, *rows = csv.reader(into.open())
    assert head[-1] == f"{ASSIGNMENT} + 00-second total"
    assert {row[0]: float(row[-1]) for row in rows} == {"right": 3.0, "wrong": 0.0}


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(CourseError, match="cannot be read"):
        LmsFile(path, LAYOUTS["canvas"])
