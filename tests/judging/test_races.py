"""A thousand questions while the submission plants links wherever a file might be written."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from tests.judging import tiny

QUESTIONS = 1_000
PLANT = """
import os, tempfile, threading

def raced(n):
    assert begun.wait(60), "no link could be planted"
    return n + 1

KNOWN = ["race-test", "question", "answer", "value", "0", "1"]
ENDS = ["", ".partial", ".tmp", ".json", ".json.partial", ".safetensors", ".lock"]
FOLDERS = (".", "..", tempfile.gettempdir(), "/tmp", "/dev/shm")
begun = threading.Event()

def seen(folder):
    try:
        return [name for name in os.listdir(folder) if not os.path.islink(f"{folder}/{name}")]
    except OSError:
        return []

def plant():
    while True:
        for folder in FOLDERS:
            for name in [*seen(folder), *KNOWN]:
                for end in ENDS:
                    path = f"{folder}/{name}{end}"
                    try:
                        os.symlink(VICTIM, path)
                        begun.set()
                        os.unlink(path)
                    except OSError:
                        pass

threading.Thread(target=plant, daemon=True).start()
"""
TEST = f"""assert raced(1) == 2
### BEGIN HIDDEN TESTS
import torch
from skipgrade.judging import check

for number in range({QUESTIONS}):
    check.equal("raced(n)", n=torch.full((3,), float(number)))
### END HIDDEN TESTS"""


def cells(answer: str) -> list[nbformat.NotebookNode]:
    marks = tiny._marks("race", grade=False), tiny._marks("race-test", grade=True, points=1.0)
    source = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
    return [
        new_code_cell(source, id="race", metadata=marks[0]),
        new_code_cell(TEST, id="race-test", metadata=marks[1]),
    ]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyCourse:
    made = tiny.make(
        tmp_path_factory.mktemp("races"), more=cells("def raced(n):\n    return n + 1")
    )
    victim = made.root / "victim.txt"
    victim.write_text("of the teacher\n")
    planting = f"VICTIM = {str(victim)!r}\n{PLANT}"
    made.hand_in("plants", tiny.ANSWERS | {"race": planting})
    return made


def test_no_file_of_the_grader_is_changed(course: tiny.TinyCourse) -> None:
    before = {path: path.read_bytes() for path in course.root.glob("submitted/*/*/*")}
    done = course.command("skipgrade.cli", "grade", tiny.NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (course.root / "victim.txt").read_text() == "of the teacher\n"
    assert {path: path.read_bytes() for path in before} == before
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        (row,) = book.submission_dicts(tiny.NAME)
    assert row["score"] == sum(tiny.POINTS.values()) + 1, "it has answered every question"
