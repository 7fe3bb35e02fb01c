"""The private final test: a pack for students, and its labels, which stay in the course folder.

Everything follows from the course's secret key, by streams of their own for the numbers, the order
and the altering of the images, so that the same key gives the same pack again on any machine. What
each part protects, and what it does not, is told in docs/instructors.md.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from skipgrade import lab
from skipgrade.classroom.course import Course
from skipgrade.classroom.disguise import LIGHT, PUBLIC, disguise
from skipgrade.classroom.errors import CourseError
from skipgrade.judging.grader.execute import JudgedExecute
from skipgrade.judging.judge.holdout import HELD_OUT_IMAGES, LABELS_FILE, write_labels
from skipgrade.judging.secret import read_secret, stream
from skipgrade.lab import builtin
from skipgrade.lab.pack import FILE, Pack, write_pack

DATA = "cifar10"
CLASSES = 10
CALL = "lab.open_pack("  # a notebook that says this needs a pack

# Classes that a LeNet-5 of 65% (official) or 77% (drawn) takes for each other in over 6% of the
# cases. None is renumbered to the other's number, or mistakes would turn into right answers.
TAKEN_FOR_EACH_OTHER = {
    "official": (
        (0, 2), (0, 8), (1, 9), (2, 3), (2, 4), (2, 5), (2, 6), (3, 4), (3, 5), (3, 6), (3, 7),
        (4, 5), (4, 6), (4, 7),
    ),
    "builtin": ((0, 2), (1, 3), (4, 9), (5, 9), (6, 7)),
}  # fmt: skip


def build(course: Course, assignments: Sequence[str], say: Callable[[str], None]) -> None:
    """Write the pack next to the source notebook of each assignment, and the labels it keeps back.

    nbgrader releases what lies next to a source notebook, and gives it to the graded copies too.
    """
    chosen = list(assignments) or [name for name in course.assignments() if wants(course, name)]
    if not chosen:
        raise CourseError(f"No source notebook calls {CALL}...), so nothing needs a pack.")
    pack, labels = make(read_secret(secret_file(course)))
    for assignment in chosen:
        folder = course.folder("source", course.require(assignment))
        path = folder / FILE
        write_pack(pack, path)
        size = path.stat().st_size / 1e6
        shown = path.relative_to(course.root)
        say(f"  {shown}: {len(labels):,} images, {size:.0f} MB, for students")
    write_labels(course.root / LABELS_FILE, labels, pack.fingerprint)
    say(f"  {LABELS_FILE}: their labels. Keep this file and the key to yourself.")


def wants(course: Course, assignment: str) -> bool:
    """Whether a source notebook of the assignment opens a pack."""
    for path in course.folder("source", assignment).glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        if any(CALL in text for text in code):
            return True
    return False


def give(course: Course, assignment: str, folder: Path) -> None:
    """Put the released pack, if the assignment has one, where someone works on the notebook."""
    pack = course.folder("release", assignment) / FILE
    if pack.is_file():
        shutil.copy(pack, folder)


def missing(course: Course, assignments: Sequence[str]) -> list[str]:
    """A warning for each assignment that needs a pack and has none to release."""
    return [
        f"  {name} has no final test images: run `skipgrade holdout build {name}`, then release "
        "it again. Without them students cannot get past the cell that opens the pack."
        for name in assignments
        if wants(course, name) and not (course.folder("source", name) / FILE).is_file()
    ]


def make(secret: str) -> tuple[Pack, torch.Tensor]:
    """The pack that follows from a secret, and the labels of its images, in its numbers."""
    numbers = permutation(stream(secret, "pack: numbers"), TAKEN_FOR_EACH_OTHER[lab.source()])
    pixels, ordinary = _final_images(secret)
    order = torch.from_numpy(stream(secret, "pack: order").permutation(len(ordinary)))
    altered = disguise(
        pixels[order].numpy(),
        ordinary[order].numpy(),
        stream(secret, "pack: disguise"),
        LIGHT if lab.source() == "builtin" else PUBLIC,
    )
    _, train = lab.raw(DATA, "train")
    pack = Pack(DATA, lab.source(), torch.from_numpy(altered), numbers[train])
    return pack, numbers[ordinary[order]]


def permutation(random: np.random.RandomState, avoided: Sequence[tuple[int, int]]) -> torch.Tensor:
    """New numbers of the classes: none keeps its own or gets that of a class it is taken for."""
    alike = np.eye(CLASSES, dtype=bool)
    for one, other in avoided:
        alike[one, other] = alike[other, one] = True
    while True:
        numbers = random.permutation(CLASSES)
        if not alike[np.arange(CLASSES), numbers].any():
            return torch.from_numpy(numbers.astype(np.int64))


def _final_images(secret: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Official: the test images. Drawn: images that nobody has, since their seed is secret."""
    if lab.source() == "builtin":
        return builtin.draw(CLASSES, HELD_OUT_IMAGES, stream(secret, "pack: images"))
    return lab.raw(DATA, "test")


def secret_file(course: Course) -> Path:
    """The file from which everything follows that students must not know."""
    return course.root / JudgedExecute(config=course.config).secret_file


def secret_if_drawn(course: Course) -> bytes:
    """What that file holds; nothing before the first grading."""
    file = secret_file(course)
    return file.read_bytes().strip() if file.is_file() else b""
