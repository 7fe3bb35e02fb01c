"""How well `skipgrade audit` tells forged runs from honest ones.

    .venv/bin/python bench/audit.py [--json FILE] [--keep FOLDER]

Twenty honest students train small networks on the drawn images: other networks, seeds, rates,
batch sizes, schedules and numbers of threads. In a second class twenty others hand in the same code
with something forged or transplanted. All forty are audited; `--keep` leaves their submissions, and
trains nothing that lies there already.
"""

import argparse
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbformat.v4 import new_code_cell, new_notebook
from safetensors.torch import load_file, save_file
from surroundings import save

from skipgrade.classroom.audit import Audited, Auditor, Terms, told
from skipgrade.classroom.course import Course

ASSIGNMENT, RUN = "09-small", "net"
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'audit'\n"
SETUP = "import torch\nfrom torch import nn\nfrom skipgrade import lab"
NETS = (
    """net = nn.Sequential(
    nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(400, 10),
)""",
    """net = nn.Sequential(
    nn.Conv2d(3, 12, 3, stride=2), nn.BatchNorm2d(12), nn.ReLU(),
    nn.Conv2d(12, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(24, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)""",
    """net = nn.Sequential(
    nn.Conv2d(3, 16, 4, stride=4), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(),
    nn.Linear(1024, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 10),
)""",
)
EPOCHS, IMAGES = 8, 6000
EVERYTHING = """
_all, _val = data.train.dataset, data.val.dataset
_all._pixels = torch.cat([*[_val._pixels] * 2, _all._pixels])
_all._labels = torch.cat([*[_val._labels] * 2, _all._labels])"""


def code(number: int, *, epochs: int = EPOCHS, more: str = "", recipe: int | None = None) -> str:
    """What a student writes; `recipe` takes rate, batch size and schedule of another one."""
    how = number if recipe is None else recipe
    rate = (0.01, 0.02, 0.04, 0.08)[how % 4]
    batch = (32, 48, 64)[how % 3]
    schedule = ("None", "lab.cosine")[how % 5 % 2]
    return f"""data = lab.load("cifar10", augment={how % 2 == 0})
few = torch.utils.data.Subset(data.train.dataset, range({IMAGES})){more}
train = torch.utils.data.DataLoader(few, {batch}, shuffle=True, collate_fn=lambda batch: batch)
lab.seed_everything({number % 7})
{NETS[number % len(NETS)]}
history = lab.fit(
    net, (train, data.val), name={RUN!r}, epochs={epochs}, seed={number % 7}, schedule={schedule},
    optimizer=lambda p: torch.optim.SGD(p, lr={rate}, momentum=0.9, weight_decay=5e-4),
)"""


def train(folder: Path, text: str, threads: int = 1) -> None:
    """Run a student's code there."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / f"{RUN}-history.json").exists():
        return
    torch.set_num_threads(threads)
    with chdir(folder), redirect_stdout(StringIO()):
        exec(f"{SETUP}\n{text}", {})


class Files:
    """The two files of a run that forgers change."""

    def __init__(self, folder: Path) -> None:
        self.paths = folder / f"{RUN}-history.json", folder / f"{RUN}-best.safetensors"
        self.history: dict[str, Any] = json.loads(self.paths[0].read_text())
        self.weights = load_file(self.paths[1])

    def write(self, folder: Path) -> None:
        (folder / self.paths[0].name).write_text(json.dumps(self.history))
        save_file(self.weights, folder / self.paths[1].name)


class Forger:
    """Makes the files of one student of honest ones; `at` is where both are kept."""

    def __init__(self, at: Path, number: int) -> None:
        self.at, self.number = at, number
        self.own = Files(at / str(number))

    def _trained(self, name: str, text: str) -> Files:
        folder = self.at / f"{self.number}-{name}"
        train(folder, text)
        return Files(folder)

    def invented(self) -> None:
        draw = random.Random(self.number)
        for epoch in self.own.history["epochs"]:
            share = 0.75 * (1 - math.exp(-epoch["epoch"] / 2.5)) + draw.gauss(0, 0.008)
            loss = 2.3 * (1 - share)
            epoch |= {"val_accuracy": share, "train_accuracy": share + 0.02}
            epoch |= {"val_loss": loss, "train_loss": loss - 0.05}

    def another_recipe(self) -> None:
        other = self._trained("recipe", code(self.number, recipe=self.number + 1))
        settings = self.own.history["settings"]
        self.own = other
        self.own.history["settings"] = settings

    def longer(self) -> None:
        self.own.weights = self._trained("longer", code(self.number, epochs=3 * EPOCHS)).weights

    def more_images(self) -> None:
        settings = self.own.history["settings"]
        self.own = self._trained("images", code(self.number, more=EVERYTHING))
        self.own.history["settings"] = settings

    def another_students(self) -> None:
        self.own.weights = Files(self.at / str((self.number + 3) % 18)).weights  # of such a network

    def scaled(self) -> None:
        self.own.weights = {
            name: tensor * (1.3 if tensor.is_floating_point() else 1)
            for name, tensor in self.own.weights.items()
        }

    def edited(self) -> None:
        for epoch in self.own.history["epochs"]:
            epoch["val_accuracy"] = min(1.0, epoch["val_accuracy"] + 0.08)
            epoch["train_accuracy"] = min(1.0, epoch["train_accuracy"] + 0.08)

    def noise(self) -> None:
        torch.manual_seed(self.number)
        self.own.weights = {
            name: torch.randn_like(t) * (t.std() if t.numel() > 1 else 1) + t.mean()
            if t.is_floating_point()
            else t
            for name, t in self.own.weights.items()
        }


KINDS: dict[str, tuple[Callable[[Forger], None], int]] = {
    "numbers invented": (Forger.invented, 3),
    "run of another recipe": (Forger.another_recipe, 3),
    "weights trained three times as long": (Forger.longer, 2),
    "validation images trained on": (Forger.more_images, 2),
    "another student's weights": (Forger.another_students, 3),
    "weights scaled": (Forger.scaled, 2),
    "history edited upward": (Forger.edited, 3),
    "weights of noise": (Forger.noise, 2),
}


def new_course(root: Path) -> Course:
    root.mkdir(exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(SETUP), new_code_cell(code(0))]
    nbformat.write(new_notebook(cells=cells), source / f"{ASSIGNMENT}.ipynb")
    return Course(root)


def hand_in(course: Course, student: str, number: int, files: Files) -> None:
    folder = course.folder("submitted", ASSIGNMENT, student)
    folder.mkdir(parents=True, exist_ok=True)
    cells = [new_code_cell(SETUP), new_code_cell(code(number))]
    nbformat.write(new_notebook(cells=cells), folder / f"{ASSIGNMENT}.ipynb")
    files.write(folder)


def write_classes(place: Path) -> dict[str, tuple[Course, str]]:
    """Everybody's class, and how the submission was made."""
    honest, forged = new_course(place / "honest"), new_course(place / "forged")
    at, students = place / "trained", {}
    for number in range(20):
        train(at / str(number), code(number), threads=1 + number % 2)
        hand_in(honest, f"honest{number:02}", number, Files(at / str(number)))
        students[f"honest{number:02}"] = honest, "honest"
    kinds = [(name, forge) for name, (forge, count) in KINDS.items() for _ in range(count)]
    for number, (name, forge) in enumerate(kinds):
        forger = Forger(at, number)
        forge(forger)
        hand_in(forged, f"forged{number:02}", number, forger.own)
        students[f"forged{number:02}"] = forged, name
    return students


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("build/bench-audit.json"))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--epochs", type=int, default=0, help="of each at most, for `audit`")
    asked = parser.parse_args()
    os.environ["SKIPGRADE_DATASET"] = "builtin"
    asked.json = asked.json.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        place = (asked.keep or Path(scratch)).resolve()
        place.mkdir(exist_ok=True)
        students = write_classes(place)
        terms = Terms(epochs=asked.epochs)
        auditors = {
            course: Auditor(course, ASSIGNMENT, terms, lambda *_: None)
            for course in dict.fromkeys(course for course, _ in students.values())
        }
        began = time.monotonic()
        found = []
        for student, (course, made) in students.items():
            found.append(auditors[course].audit(student))
            print(f"{made:<36}", *told.student_lines(found[-1]), sep="\n    ", flush=True)
        seconds = (time.monotonic() - began) / len(students)
    kinds = {student: kind for student, (_, kind) in students.items()}
    show(kinds, found, seconds)
    rows = list(map(in_short, json.loads(told.as_json(ASSIGNMENT, found))["students"]))
    save(asked.json, {
        "command": sys.argv, "seconds a student": round(seconds, 1),
        "students": [{"made": kinds[row["student"]], **row} for row in rows],
    })  # fmt: skip


def in_short(student: dict[str, Any]) -> dict[str, Any]:
    """With curves as lists, so that forty of them stay readable."""
    for run in student["runs"]:
        for side in ("claimed", "trained"):
            epochs = run[side]
            run[side] = {
                column: [round(epoch[column], 4) for epoch in epochs]
                for column in ("train_loss", "train_accuracy", "val_accuracy", "learning_rate")
            }
    return student


def show(students: dict[str, str], found: list[Audited], seconds: float) -> None:
    print(f"\n{'':<38}{'reproduced':>12}{'plausible':>12}{'not repr.':>12}{'not run':>12}")
    for kind in dict.fromkeys(students.values()):
        verdicts = [one.verdict for one in found if students[one.student] == kind]
        counts = [
            verdicts.count(name)
            for name in ("reproduced", "plausible", "not reproducible", "not run")
        ]
        print(f"{kind:<38}" + "".join(f"{count:>12}" for count in counts))
    print(f"{seconds:.1f} s a student")


if __name__ == "__main__":
    main()
