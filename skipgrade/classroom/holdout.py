"""The private final test: a pack for students, and its labels, which stay in the course folder.

Everything follows from the course's secret key and NumPy's frozen random stream, so that the same
key gives the same pack again on any machine. What each part protects, and what it does not, is
told in docs/instructors.md.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from traitlets.config import Config

from skipgrade import lab
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.judging.execute import JudgedExecute
from skipgrade.judging.holdout import COUNT, LABELS_FILE, write_labels
from skipgrade.judging.secret import read_secret, seed_from
from skipgrade.lab import builtin
from skipgrade.lab.pack import FILE, Pack, write_pack

DATA = "cifar10"
CLASSES = 10
CALL = "lab.open_pack("  # a notebook that says this needs a pack
SHIFT = 2  # pixels
GAIN = (244, 268)  # contrast, in 256ths
BRIGHTNESS = (-8, 8)  # in 256ths of the range
NOISE = 2  # at most, up or down

# Classes that a LeNet-5 of 65% (official) or 77% (drawn) takes for each other in over 6% of the
# cases. None is renumbered to the other's number, or mistakes would turn into right answers.
TAKEN_FOR_EACH_OTHER = {
    "official": (
        (0, 2), (0, 8), (1, 9), (2, 3), (2, 4), (2, 5), (2, 6), (3, 4), (3, 5), (3, 6), (3, 7),
        (4, 5), (4, 6), (4, 7),
    ),
    "builtin": ((0, 2), (1, 3), (4, 9), (5, 9), (6, 7)),
}  # fmt: skip

Bytes = NDArray[np.uint8]


def build(course: Course, assignments: Sequence[str], say: Callable[[str], None]) -> None:
    """Write the pack beside the source notebook of each assignment, and the labels it keeps back.

    nbgrader releases what lies beside a source notebook, and gives it to the graded copies too.
    """
    chosen = list(assignments) or [name for name in course.assignments() if wants(course, name)]
    if not chosen:
        raise CourseError(f"No source notebook calls {CALL}...), so nothing needs a pack.")
    pack, labels = make(read_secret(_secret_file(course)))
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
        "it again. Without them its students get no further than opening the pack."
        for name in assignments
        if wants(course, name) and not (course.folder("source", name) / FILE).is_file()
    ]


def make(secret: str) -> tuple[Pack, torch.Tensor]:
    """The pack that follows from a secret, and the labels of its images, in its numbers."""
    random = np.random.RandomState(seed_from(f"pack {secret}"))
    numbers = permutation(random, TAKEN_FOR_EACH_OTHER[lab.source()])
    pixels, ordinary = _final_images(secret)
    order = random.permutation(len(ordinary))
    disguised = disguise(pixels.numpy()[order], random)
    _, train = lab.raw(DATA, "train")
    pack = Pack(DATA, lab.source(), torch.from_numpy(disguised), numbers[train])
    return pack, numbers[ordinary[torch.from_numpy(order)]]


def permutation(random: np.random.RandomState, avoided: Sequence[tuple[int, int]]) -> torch.Tensor:
    """New numbers of the classes: none keeps its own or gets that of a class it is taken for."""
    alike = np.eye(CLASSES, dtype=bool)
    for one, other in avoided:
        alike[one, other] = alike[other, one] = True
    while True:
        numbers = random.permutation(CLASSES)
        if not alike[np.arange(CLASSES), numbers].any():
            return torch.from_numpy(numbers.astype(np.int64))


def disguise(pixels: Bytes, random: np.random.RandomState) -> Bytes:
    """Each image shifted, half of them mirrored, with a little other tone and a little noise.

    Whole numbers only. A person sees hardly a difference; not one image keeps its bytes.
    """
    count, _, height, width = pixels.shape
    padded = np.pad(pixels, ((0, 0), (0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="reflect")
    top, left = random.randint(0, 2 * SHIFT + 1, (2, count, 1))
    mirrored = random.randint(0, 2, (count, 1)) == 1
    columns = left + np.where(mirrored, np.arange(width)[::-1], np.arange(width))
    rows = top + np.arange(height)
    image = np.arange(count)[:, None, None]
    moved = padded.transpose(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    moved = moved.transpose(0, 3, 1, 2).astype(np.int32)
    each = (count, 1, 1, 1)
    gain = random.randint(GAIN[0], GAIN[1] + 1, each)
    brighter = random.randint(BRIGHTNESS[0], BRIGHTNESS[1] + 1, each)
    noise = random.randint(-NOISE, NOISE + 1, moved.shape)
    toned = ((moved - 128) * gain >> 8) + 128 + brighter + noise
    return np.clip(toned, 0, 255).astype(np.uint8)


def _final_images(secret: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Official: the test images. Drawn: images that nobody has, since their seed is secret."""
    if lab.source() == "builtin":
        return builtin.draw(CLASSES, COUNT, seed_from(f"final images {secret}"))
    return lab.raw(DATA, "test")


def _secret_file(course: Course) -> Path:
    config: Config = course.config
    named: Any = config.JudgedExecute.get("secret_file", JudgedExecute.secret_file.default_value)
    return course.root / str(named)
