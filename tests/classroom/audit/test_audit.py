"""A small class, trained again in the sandbox: who is believed, and what is left alone?"""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from safetensors.torch import load_file, save_file

from skipgrade import cli, lab
from skipgrade.classroom import audit
from skipgrade.classroom.audit import Audited, Auditor, Terms, figure, told
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.sandbox import missing_protections

ASSIGNMENT, RUN = "00-small", "small"
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'small'\n"
SETUP = """import torch
from torch import nn
from skipgrade import lab

data = lab.load("cifar10", batch_size=128)"""
TRAIN = """lab.seed_everything(0)
net = nn.Sequential(
    nn.Conv2d(3, 8, 4, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)
)
history = lab.fit(net, data, name="small", epochs=4, schedule=lab.cosine)"""
# Writes what was handed in, instead of training; the weights are made up.
WRITES = """import json
from safetensors.torch import save_file
net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
save_file(net.state_dict(), "small-best.safetensors")
history = json.loads({history!r})
open("small-history.json", "w").write(json.dumps(history))
import skipgrade.lab.retraining as retraining
retraining.runs["small"] = retraining.Trained(net, data.val, 4)"""
HONEST, EDITS, SCALES, WRITES_ONLY = "honest", "edits", "scales", "writes"
BROKEN, ENDLESS, UNTRAINED = "broken", "endless", "untrained"
pytestmark = pytest.mark.skipif(bool(missing_protections()), reason="nothing is run unconfined")


def submit(course: Course, student: str, *cells: str) -> Path:
    folder = course.folder("submitted", ASSIGNMENT, student)
    folder.mkdir(parents=True)
    notebook = new_notebook(cells=[new_code_cell(text) for text in cells])
    nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
    return folder


def take(origin: Path, folder: Path) -> None:
    for path in origin.glob(f"{RUN}-*"):
        (folder / path.name).write_bytes(path.read_bytes())


def change_history(folder: Path, **more: float) -> str:
    path = folder / f"{RUN}-history.json"
    content = json.loads(path.read_text())
    for epoch in content["epochs"]:
        for column, value in more.items():
            epoch[column] += value
    path.write_text(json.dumps(content))
    return path.read_text()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Honest work trained in this process, and others who hand in something else with it."""
    root = tmp_path_factory.mktemp("audited")
    (root / "nbgrader_config.py").write_text(CONFIG)
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    notebook = new_notebook(cells=[new_code_cell(SETUP), new_code_cell(TRAIN)])
    nbformat.write(notebook, root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    course = Course(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        patch.delenv("NBGRADER_EXECUTION", raising=False)
        honest = submit(course, HONEST, SETUP, TRAIN)
        with chdir(honest):
            exec(f"{SETUP}\n{TRAIN}", {})
        for other in (*honest.glob("*-last.*"), *honest.glob("*-resume.*")):
            other.unlink()
        take(honest, submit(course, ENDLESS, SETUP, f"while True: pass\n{TRAIN}"))
        edits = submit(course, EDITS, SETUP, TRAIN)
        take(honest, edits)
        history = change_history(edits, val_accuracy=0.2, train_accuracy=0.2)
        scales = submit(course, SCALES, SETUP, TRAIN)
        take(honest, scales)
        path = scales / f"{RUN}-best.safetensors"
        save_file({name: 1.5 * one for name, one in load_file(path).items()}, path)
        writes = submit(course, WRITES_ONLY, SETUP, WRITES.format(history=history))
        take(edits, writes)
        (submit(course, BROKEN) / f"{ASSIGNMENT}.ipynb").write_text("no notebook")
        submit(course, UNTRAINED, SETUP, TRAIN)
        yield course


@pytest.fixture(autouse=True)
def drawn_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPGRADE_DATASET", "builtin")


def audited(course: Course, student: str, terms: Terms | None = None) -> Audited:
    return Auditor(course, ASSIGNMENT, terms or Terms(), lambda *_: None).audit(student)


@pytest.fixture(scope="module")
def found(course: Course) -> dict[str, Audited]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        students = (HONEST, EDITS, SCALES, WRITES_ONLY, BROKEN, UNTRAINED)
        return {student: audited(course, student) for student in students}


def test_honest_work_holds(found: dict[str, Audited]) -> None:
    """What others took of it is named, but decides nothing: nobody knows who took it."""
    (run,) = found[HONEST].runs
    assert run.verdict in ("reproduced", "plausible") and not run.against
    assert all(reason.startswith("shared with ") for reason in run.open), run.open
    assert run.claimed and run.again and run.again.claimed and run.again.reached
    assert run.again.claimed.accuracy == pytest.approx(run.claimed.best["val_accuracy"], abs=0.005)


def test_it_was_trained_again_from_other_seeds(found: dict[str, Audited]) -> None:
    (run,) = found[HONEST].runs
    assert run.trained and run.claimed
    assert len(run.trained) == len(run.claimed) == 4
    assert run.trained["train_loss"] != run.claimed["train_loss"]
    assert run.trained["learning_rate"] == run.claimed["learning_rate"]


@pytest.mark.parametrize("student", [EDITS, SCALES, WRITES_ONLY])
def test_forged_work_does_not(found: dict[str, Audited], student: str) -> None:
    assert found[student].verdict == "not reproducible", found[student]


@pytest.mark.parametrize(
    ("student", "says"), [(BROKEN, "is not a notebook"), (UNTRAINED, "no history")]
)
def test_what_cannot_be_run_says_why(found: dict[str, Audited], student: str, says: str) -> None:
    assert found[student].verdict == "not run" and says in found[student].trouble


def test_a_notebook_that_never_ends_costs_its_own_time(course: Course) -> None:
    (run,) = audited(course, ENDLESS, Terms(minutes=0.05)).runs
    assert run.verdict == "not run" and "stopped after 3 s" in run.not_run


def test_fewer_epochs_are_enough_to_see_some_forgeries(course: Course) -> None:
    (run,) = audited(course, SCALES, Terms(epochs=1)).runs
    assert run.trained and len(run.trained) == 1
    assert run.verdict == "not reproducible"


def test_the_command_changes_no_grade(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in course.root.rglob("*")}
    data, picture = tmp_path / "found.json", tmp_path / "found.png"
    arguments = [ASSIGNMENT, HONEST, BROKEN, "--epochs", "1", "--device", "cpu"]
    files = ["--json", str(data), "--figure", str(picture)]
    status = cli.main(["--course", str(course.root), "audit", *arguments, *files])
    assert status == cli.NOT_DONE, "one of the two was not run"
    shown = capsys.readouterr().out
    assert "honest           plausible" in shown and "only 1 of its 4 epochs" in shown
    assert "2 of 7 submissions: 1 plausible, 1 not run. No grade was changed." in shown
    assert picture.read_bytes().startswith(b"\x89PNG")
    students = json.loads(data.read_text())["students"]
    assert [one["student"] for one in students] == [BROKEN, HONEST]
    assert len(students[1]["runs"][0]["trained"]) == 1
    assert {path: path.stat().st_mtime_ns for path in course.root.rglob("*")} == before


def test_the_status_is_0_whatever_is_found(course: Course) -> None:
    arguments = ["audit", ASSIGNMENT, SCALES, "--epochs", "1"]
    assert cli.main(["--course", str(course.root), *arguments]) == cli.DONE


def test_a_sample_follows_from_its_seed(course: Course) -> None:
    drawn = [audit.sample_of(course, ASSIGNMENT, [], 3, seed) for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len({tuple(one) for one in drawn}) > 1
    assert all(len(set(one)) == 3 for one in drawn)
    assert len(audit.sample_of(course, ASSIGNMENT, [], 100, 0)) == 7


def test_a_gpu_that_is_not_there(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "device", lambda: torch.device("cpu"))
    with pytest.raises(CourseError, match="no GPU"):
        audit.demand_means(course, "cuda")


def test_the_picture_has_a_panel_for_each_run(found: dict[str, Audited]) -> None:
    drawn = figure.draw(list(found.values()))
    shown = [axes for axes in drawn.axes if axes.get_lines()]
    assert len(shown) == 4
    assert [len(axes.get_lines()) for axes in shown] == [2] * 4


def test_the_lines_of_a_student(found: dict[str, Audited]) -> None:
    first, *reasons = told.student_lines(found[EDITS])
    assert first.split()[0] == EDITS and first.endswith("not reproducible")
    assert any("of the validation images right at best" in line for line in reasons)
