"""Does every platform's download end up under submitted/, each file with its student?"""

from __future__ import annotations

import io
import shutil
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from skipgrade.classroom import collect
from skipgrade.classroom.course import Course
from skipgrade.judging.intake import unpack
from tests.bent import course as bent

ASSIGNMENT = "01-tiny"
BOOK = f"{ASSIGNMENT}.ipynb"
ROSTER = """id,name,email,canvas,team
s1001,Ada Éxample,ada@example.org,501,Red
s1002,"Sample, Bob",bob.s@example.org,502,Red
s1003,Carol Test,ctest@example.org,503,Blue
"""
Files = Mapping[str, bytes | str]


def packed(files: Files) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def work(answer: str) -> dict[str, bytes | str]:
    return {BOOK: f'{{"{answer}": 1}}', "net-best.safetensors": f"weights of {answer}"}


def placed(answer: str, at: str = "") -> dict[str, str]:
    return {name: str(content) for name, content in work(answer).items()} | (
        {"timestamp.txt": f"{at} UTC\n"} if at else {}
    )


METADATA = """\
submission_11:
  :submitters:
  - :name: Ada Example
    :sid: s1001
    :email: ada@example.org
  - :name: Bob Sample
    :sid: s1002
    :email: bob.s@example.org
  :created_at: 2026-11-20 10:11:12.345678000 -08:00
submission_12:
  :submitters:
  - :name: Carol Test
    :sid: ''
    :email: ctest@example.org
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-11-21 09:00:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: Etc/UTC
"""
BB = "Homework 1_{}_attempt_{}_{}"
A, B, C = work("a"), work("b"), work("c")


def under(prefix: str, files: Files) -> dict[str, bytes | str]:
    return {prefix + name: content for name, content in files.items()}


LAYOUTS: dict[str, tuple[str, Files, dict[str, dict[str, str]]]] = {
    "moodle-folders": (
        "DL-Homework 1-4711.zip",
        under("Ada Example_1234567_assignsubmission_file_/", A)
        | {"Bob Sample_1234568_assignsubmission_file_/01-tiny_s1002.zip": packed(B)}
        | {"Bob Sample_1234568_assignsubmission_onlinetext_/onlinetext.html": "hello"},
        {"s1001": placed("a"), "s1002": placed("b")},
    ),
    "moodle-flat": (
        "DL-Homework 1-4711.zip",
        under("Ada Example_1234567_assignsubmission_file_", A)
        | {"Carol Test_1234569_assignsubmission_file_hw.zip": packed(C)},
        {"s1001": placed("a"), "s1003": placed("c")},
    ),
    "moodle-teams": (
        "DL-Homework 1-4711.zip",
        under("Red-Ada Example_1234567_assignsubmission_file_/", A)
        | under("Red-Bob Sample_1234568_assignsubmission_file_/", A),
        {"s1001": placed("a"), "s1002": placed("a")},
    ),
    "canvas": (
        "submissions.zip",
        {"exampleada_501_9001_01-tiny_s1001.zip": packed(A)}
        | {"samplebob_LATE_502_9002_hw.zip": packed(B)}
        | {"testcarol_503_9003_01-tiny-1.ipynb": C[BOOK]}
        | {"testcarol_503_9004_net-best.safetensors": C["net-best.safetensors"]},
        {"s1001": placed("a"), "s1002": placed("b"), "s1003": placed("c")},
    ),
    "canvas-group": (
        "submissions.zip",
        {"red_77_9001_hw.zip": packed(A)},
        {"s1001": placed("a"), "s1002": placed("a")},
    ),
    "blackboard": (
        "gradebook_DL_Homework1_2026-11-22-08-00-00.zip",
        {BB.format("ada", "2026-11-20-10-11-12", "hw.zip"): packed(A)}
        | {BB.format("ada", "2026-11-19-10-11-12", "hw.zip"): packed(B)}
        | {"Homework 1_ada_attempt_2026-11-20-10-11-12.txt": "Name: Ada Example (ada)"},
        {"s1001": placed("a", "2026-11-20 10:11:12")},
    ),
    "gradescope": (
        "assignment_99_export.zip",
        {"assignment_99_export/submission_metadata.yml": METADATA}
        | under("assignment_99_export/submission_11/", A)
        | under("assignment_99_export/submission_12/", C),
        {
            "s1001": placed("a", "2026-11-20 18:11:12"),
            "s1002": placed("a", "2026-11-20 18:11:12"),
            "s1003": placed("c", "2026-11-21 09:00:00"),
        },
    ),
    "google-classroom": (
        "Homework 1-20261120T101112Z-001.zip",
        under("Homework 1/Ada Example - ", A) | under("Homework 1/Bob Sample - ", B),
        {"s1001": placed("a"), "s1002": placed("b")},
    ),
    "lab-hand-in": (
        "all.zip",
        {"01-tiny_s1001.zip": packed(A), "01-tiny_s1002 (1).zip": packed(B)}
        | {"01-tiny_s1002.zip": packed(C)},
        {"s1001": placed("a"), "s1002": placed("b")},
    ),
    "folders": (
        "class.zip",
        under("class/s1001/", A) | under("class/Carol Test/", C),
        {"s1001": placed("a"), "s1003": placed("c")},
    ),
    "nbgrader": (
        "submitted.zip",
        under("submitted/s1001/01-tiny/", A | {"timestamp.txt": "2026-11-20 08:00:00 UTC"}),
        {"s1001": placed("a", "2026-11-20 08:00:00")},
    ),
}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    (tmp_path / "source" / ASSIGNMENT).mkdir(parents=True)
    (tmp_path / "source" / ASSIGNMENT / BOOK).write_text('{"cells": []}')
    (tmp_path / "roster.csv").write_text(ROSTER)
    return Course(tmp_path)


def written(course: Course, name: str, files: Files) -> Path:
    path = course.root / name
    path.write_bytes(packed(files))
    return path


def run(course: Course, *files: Path, roster: bool = True) -> tuple[int, list[str]]:
    said: list[str] = []
    table = course.root / "roster.csv" if roster else None
    return collect.collect(course, ASSIGNMENT, files, table, said.append), said


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def submitted(course: Course) -> dict[str, dict[str, str]]:
    return {path.name: tree(path / ASSIGNMENT) for path in (course.root / "submitted").iterdir()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("unpacked", [False, True])
def test_layout(course: Course, layout: str, unpacked: bool) -> None:
    name, files, expected = LAYOUTS[layout]
    path = written(course, name, files)
    if unpacked:
        with zipfile.ZipFile(path) as archive:
            path = course.root / "downloaded"
            archive.extractall(path)
    status, said = run(course, path)
    assert submitted(course) == expected, said
    assert status == 0, said
    everything = tree(course.root)
    again, told = run(course, path)
    assert (again, tree(course.root)) == (0, everything), told


def test_a_later_attempt_replaces_and_the_earlier_is_kept(course: Course) -> None:
    first = written(course, "one.zip", {"exampleada_501_9001_hw.zip": packed(A)})
    second = written(course, "two.zip", {"exampleada_501_9005_hw.zip": packed(B)})
    run(course, first)
    status, said = run(course, second)
    assert submitted(course) == {"s1001": placed("b")}
    assert any("replaced" in line and f"collected/{ASSIGNMENT}/s1001" in line for line in said)
    kept = [tree(path) for path in (course.root / "collected").glob("*/s1001/*/")]
    assert kept == [placed("a")]
    run(course, first)
    assert submitted(course) == {"s1001": placed("b")}
    assert status == 0


def test_what_cannot_be_placed_is_told_and_stops_nobody(course: Course) -> None:
    locked = bytearray(packed(A))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = locked.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        locked[at] |= 1
    path = written(
        course,
        "submissions.zip",
        {"exampleada_501_9001_hw.zip": b"PK broken"}
        | {"samplebob_502_9002_hw.zip": bytes(locked)}
        | {"testcarol_503_9003_hw.zip": packed(C | {"../../out": "x", "/abs": "x"})}
        | {"strangereve_504_9004_hw.zip": packed(A), "../up.ipynb": "x", "odd.ipynb": "x"},
    )
    status, said = run(course, path)
    text = "\n".join(said)
    assert submitted(course) == {"s1003": placed("c")}
    assert status == 1
    for told in ("hw.zip is damaged", "is locked with a password", "nobody on the roster",
                 "leads out", "odd.ipynb is cannot be told"):  # fmt: skip
        assert told in text, text
    assert not (course.root.parent / "out").exists()


@pytest.mark.parametrize("inside", [{}, {"work/": ""}], ids=["nothing", "a folder"])
def test_an_empty_zip_is_told_and_replaces_nothing(course: Course, inside: Files) -> None:
    """Alone, in what a platform hands out, and as all that it hands out."""
    first = under("Ada Example_7_assignsubmission_file_/", A)
    run(course, written(course, "first.zip", first))
    status, said = run(
        course,
        written(course, f"{ASSIGNMENT}_s1001.zip", inside),
        written(course, "m.zip", {"Bob Sample_8_assignsubmission_file_/hw.zip": packed(inside)}),
        written(course, "download.zip", inside),
    )
    assert (status, submitted(course)) == (1, {"s1001": placed("a")}), said
    again = "Ask the student to hand in again."
    assert [line for line in said if line.startswith("Not placed")] == [
        "Not placed: download.zip is empty: there are no files in it. Download it again. "
        "If a student made it, ask for a new one.",
        "Not placed: s1001, in 01-tiny_s1001.zip: 01-tiny_s1001.zip is empty: there are no files "
        f"in it. {again}",
        f"Not placed: s1002, in m.zip: hw.zip is empty: there are no files in it. {again}",
    ]


def test_a_zip_of_an_empty_file_is_not_empty(course: Course) -> None:
    path = written(course, f"{ASSIGNMENT}_s1001.zip", {BOOK: ""})
    status, said = run(course, path)
    assert (status, submitted(course)) == (0, {"s1001": {BOOK: ""}}), said


def test_hostile_zips_stay_in_their_place(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_BYTES", 10_000)
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = 0o120777 << 16
    memory = io.BytesIO(packed(A | {"NET-best.safetensors": "other"}))
    with zipfile.ZipFile(memory, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    path = written(
        course,
        "m.zip",
        {"Ada Example_7_assignsubmission_file_/hw.zip": memory.getvalue()}
        | {"Bob Sample_8_assignsubmission_file_/hw.zip": packed({"a.ipynb": "0" * 20_000})}
        | {"Carol Test_9_assignsubmission_file_../up.ipynb": "x"}
        | {"Carol Test_9_assignsubmission_file_/a": "x"}
        | {"Carol Test_9_assignsubmission_file_/a/b": "x"},
    )
    status, said = run(course, path)
    text = "\n".join(said)
    both = placed("a") | {"NET-best.safetensors": "other"}
    assert (status, submitted(course)) == (1, {"s1001": both}), text
    for told in ("link.ipynb in hw.zip is a link", "differ only in case", "holds more than",
                 "leads out of its folder", "stands where another"):  # fmt: skip
        assert told in text, text
    assert not [*course.root.rglob("up.ipynb"), *(course.root / "submitted").glob(".coll*")]


def test_two_that_match_are_not_guessed(course: Course) -> None:
    with (course.root / "roster.csv").open("a") as file:
        file.write("s1004,Ada Example,other@example.org,504,\n")
    name = "Ada Example_7_assignsubmission_file_/"
    status, said = run(course, written(course, "m.zip", under(name, A)))
    assert (status, submitted(course)) == (1, {})
    assert any("s1001 or s1004" in line for line in said)


def test_what_a_student_typed_does_not_count_but_is_said(course: Course) -> None:
    name = "Ada Example_7_assignsubmission_file_/01-tiny_s1002.zip"
    _, said = run(course, written(course, "m.zip", {name: packed(A)}))
    assert submitted(course) == {"s1001": placed("a")}
    assert any("named for s1002" in line for line in said)
    assert "In these files there is nothing of: s1002, s1003" in said


@pytest.mark.parametrize("name", ["<b>", ".hidden", "..."])
def test_unfit_ids_are_told(course: Course, name: str) -> None:
    path = written(course, "c.zip", under(f"class/{name}/", A) | under("class/s1/", B))
    status, said = run(course, path, roster=False)
    assert (status, submitted(course)) == (1, {"s1": placed("b")}), said
    assert any("cannot be a folder's name" in line for line in said)


def test_ids_that_differ_in_case_are_told(course: Course) -> None:
    path = written(course, "c.zip", under("class/s1/", A) | under("class/S1/", B))
    status, said = run(course, path, roster=False)
    assert status == 1
    assert len(submitted(course)) == 1
    assert any("differ only in case" in line for line in said)


def test_interrupted_nothing_is_half_written(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(course, written(course, "one.zip", {"exampleada_501_9001_hw.zip": packed(A)}))
    real = Path.rename

    def stop(self: Path, target: Path) -> Path:
        if self.name == "placed":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        run(course, written(course, "two.zip", {"exampleada_501_9002_hw.zip": packed(B)}))
    assert submitted(course) == {"s1001": placed("a")}


@pytest.mark.parametrize("platform", ["moodle", "gradescope"])
def test_collected_is_graded(platform: str, tmp_path: Path) -> None:
    course = bent.make(tmp_path)
    folder = bent.hand_in(course, "made")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(course.root / "submitted")
    (course.root / "roster.csv").write_text(ROSTER)
    hand_in = {f"{bent.NAME}_s1001.zip": packed(files)}
    if platform == "moodle":
        inside = under("Ada Example_7_assignsubmission_file_/", hand_in)
        students = ["s1001"]
    else:
        inside = under("x/submission_11/", files) | {"x/submission_metadata.yml": METADATA}
        students = ["s1001", "s1002"]
    (course.root / "download.zip").write_bytes(packed(inside))
    for command in (("collect", bent.NAME, "download.zip", "--roster", "roster.csv"),
                    ("grade", bent.NAME)):  # fmt: skip
        done = course.command("skipgrade.cli", *command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        rows = book.submission_dicts(bent.NAME)
    assert {row["student"]: row["score"] for row in rows} == dict.fromkeys(students, bent.FULL)


def test_zip_collect_knows_the_same_names(tmp_path: Path) -> None:
    course = bent.make(tmp_path)
    files = {f"{bent.NAME}.ipynb": "{}", "net-best.safetensors": "weights"}
    archive = course.root / "downloaded" / bent.NAME / "archive"
    archive.mkdir(parents=True)
    hand_in = {f"{bent.NAME}_s1002.zip": packed(files)}
    inside = under("Ada Example_7_assignsubmission_file_/", hand_in)
    (archive / "moodle.zip").write_bytes(packed(inside))
    (archive / f"{bent.NAME}_s1003.zip").write_bytes(packed(files))
    (course.root / "roster.csv").write_text(ROSTER)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write('\nc.PlatformNames.roster = "roster.csv"\n')
    done = course.nbgrader("zip_collect", bent.NAME)
    assert done.returncode == 0, done.stderr
    got = {path.name: {*tree(path / bent.NAME)} for path in (course.root / "submitted").iterdir()}
    assert got == {"s1001": {*files}, "s1003": {*files}}, done.stderr
