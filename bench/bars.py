"""How much room the drawn images leave over and under what each assignment asks for there.

A source notebook's own cells train its networks, with another seed each time, and its own hidden
tests say what is asked. Accuracies are those on images drawn for that seed alone.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import matplotlib.pyplot as plt
import nbformat
import torch
from PIL import Image
from torch import Tensor, nn

from skipgrade import lab
from skipgrade.classroom import demo, holdout
from skipgrade.judging.checks import Checks
from skipgrade.judging.checks.accuracy import NORMALISED_AS
from skipgrade.judging.grader.source import NEEDS_TRAINING, is_automatic, split
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.holdout import HELD_OUT_IMAGES, PACK, open_images
from skipgrade.judging.judge.trial import Trial
from skipgrade.lab import builtin
from skipgrade.lab.checkpoint import load_weights
from skipgrade.lab.data import Images
from skipgrade.lab.files import run_file
from skipgrade.lab.history import History

ROOT = Path(__file__).parents[1]
# Cells tagged as training that the graded runs need, and the tests that grade them.
CELLS = {
    "01-lenet5-pipeline": ("train", "accuracy-test"),
    "02-lenet5-tuning": ("load-data", "budget", "train-tuned", "test-tuned"),
    "03-cnn-design": (
        "load-data", "three-conv-train", "accuracies", "test-accuracies", "budget", "trials",
        "train-models", "test-model-one", "test-model-two",
    ),
    "04-plain-residual-mobile": (
        "load-data", "train-plain", "test-plain-accuracy", "train-residual",
        "test-residual-accuracy", "train-mobile", "test-mobile-accuracy",
    ),
    "05-resnet20-tuning": ("open-pack", "budget", "trials", "train-final", "test-final"),
    "06-depth-and-shortcuts": ("loaders", "train-all", "test-accuracy"),
    "07-resnet-cifar100": ("load-data", "flips-look", "train", "test-accuracy"),
    "08-transfer-learning": ("transfer", "test-transfer", "train-hundred", "test-hundred"),
}  # fmt: skip
GRADED = {
    "lenet5", "tuned", "three-conv", "model-one", "model-two", "plain", "residual", "mobile",
    "resnet20", "resnet18", "resnet", "transfer", "hundred",
}  # fmt: skip


@dataclass
class Measured:
    """One graded run: what is asked of it, what it reached, and what guessing would."""

    run: str
    bar: float
    accuracy: float
    guessing: float
    seconds: float


@dataclass
class Asked:
    """In a hidden test's eyes the check; notes what accuracy is asked for, and asks nothing."""

    measure: Callable[..., Measured]
    found: list[Measured] = field(default_factory=list)

    def accuracy(self, model: str, *, weights: str, **asked: Any) -> None:
        self.found.append(self.measure(model, weights, **asked))

    def predictions(self, file: str, *, model: str, weights: str, **asked: Any) -> None:
        self.found.append(self.measure(model, weights, **asked))

    def __getattr__(self, other: str) -> Callable[..., None]:
        """Only accuracies are of interest here."""
        if not hasattr(Checks, other):
            raise AttributeError(other)
        return lambda *claim, **about: None


def measure(assignment: str, seed: int, folder: Path) -> list[Measured]:
    """Train what `assignment` grades with this seed, in `folder`, and measure it."""
    course = demo.new_course(ROOT, folder / "course", assignment)
    if holdout.wants(course, assignment):
        holdout.build(course, [assignment], lambda line: None)
    names: dict[str, Any] = {"__name__": "__main__"}
    asked = Asked(lambda *one, **more: _reached(names, seed, *one, **more))
    notebook = LocalNotebook(names)
    work = course.folder("source", assignment)  # where the final test's images lie
    with chdir(work), redirect_stdout(StringIO()), _seeded(seed):
        for cell, visible, hidden in _cells(assignment):
            exec(compile(visible, cell, "exec"), names)
            if hidden:
                trials.begin(Trial(notebook, notebook, open_images, grading=False))
                with patch("skipgrade.judging.check", asked, create=True):
                    exec(compile(hidden, cell, "exec"), dict(names))
                trials.end()
            plt.close("all")
    return asked.found


def _cells(assignment: str) -> Iterator[tuple[str, str, str]]:
    """Name, visible code and hidden test of every cell to run; only graded runs are tested."""
    path = ROOT / "source" / assignment / f"{assignment}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        wanted = cell.get("id") in CELLS[assignment]
        training = NEEDS_TRAINING in cell.metadata.get("tags", [])
        if cell.cell_type != "code" or (not wanted and (training or is_automatic(cell))):
            continue
        visible, hidden = split(cell.source)
        yield cell.id, "" if is_automatic(cell) else visible, hidden if wanted else ""


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Runs that are graded get another seed; the others are not trained."""
    fit, seed_everything = lab.fit, lab.seed_everything

    def train(model: nn.Module, data: Any, *, name: str, **settings: Any) -> History:
        if name not in GRADED:
            return History(name)
        return fit(model, data, name=name, **settings | {"seed": seed})

    with (
        patch.object(lab, "fit", train),
        patch.object(lab, "seed_everything", lambda _: seed_everything(seed)),
        patch.object(lab, "plot_sweep", lambda *drawn, **how: None),
    ):
        yield


def _reached(
    names: dict[str, Any],
    seed: int,
    expression: str,
    weights: str,
    *,
    data: str = "cifar10",
    tiers: dict[float, float] | None = None,
    at_least: float = 0.0,
    prepare: str | None = None,
    **about: Any,
) -> Measured:
    model: nn.Module = eval(expression, names)
    load_weights(model, run_file(weights, "best.safetensors"))
    if data == PACK:
        pixels, labels = open_images(PACK)
    else:
        pixels, labels = builtin.draw(builtin.CLASSES[data], HELD_OUT_IMAGES, seed=1_000 + seed)
    transform = eval(prepare, names) if prepare else None
    history = History.read(run_file(weights, "history.json"))
    return Measured(
        weights,
        max(tiers) if tiers else at_least,
        _accuracy(model, pixels, labels, _input(pixels, data, transform)),
        1 / len(labels.unique()),
        sum(history["seconds"]),
    )


def _input(pixels: Tensor, data: str, transform: Any) -> Callable[[slice], Tensor]:
    """Batches as the network wants them, by the notebook's own transform where it has one."""
    if transform is not None:
        photos = Images(pixels, torch.zeros(len(pixels)), []).photos
        return lambda some: torch.stack(
            [transform(Image.fromarray(photo)) for photo in photos[some]]
        )
    mean, std = (
        torch.tensor(part).view(3, 1, 1)
        for part in lab.normalisation(NORMALISED_AS.get(data, data))
    )
    return lambda some: (pixels[some] / 255 - mean) / std


@torch.no_grad()
def _accuracy(
    model: nn.Module, pixels: Tensor, labels: Tensor, batch: Callable[[slice], Tensor]
) -> float:
    model.eval()
    parts = [slice(start, start + 200) for start in range(0, len(labels), 200)]
    right = sum(int((model(batch(part)).argmax(1) == labels[part]).sum()) for part in parts)
    return right / len(labels)


def margins(runs: list[Measured]) -> dict[str, float]:
    """What several seeds' runs of one network say, all in fractions but the two distances in sd."""
    over = [one.accuracy - one.bar for one in runs]
    spread = statistics.stdev(over) if len(over) > 1 else float("nan")
    guessing = runs[0].guessing
    chance = (guessing * (1 - guessing) / HELD_OUT_IMAGES) ** 0.5
    bar = statistics.mean(one.bar for one in runs)
    return {
        "bar": bar,
        "mean": statistics.mean(one.accuracy for one in runs),
        "sd": statistics.stdev(one.accuracy for one in runs) if len(runs) > 1 else float("nan"),
        "margin in sd": statistics.mean(over) / spread,
        "guessing": guessing,
        "guessing in sd": (bar - guessing) / chance,
        "seconds": statistics.median(one.seconds for one in runs),
    }
