"""One training run: taken up where it stopped, carried on epoch by epoch, saved after each."""

import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from skipgrade.lab.checkpoint import Resume, Tensors, save_resume, weights_of
from skipgrade.lab.errors import LabError
from skipgrade.lab.evaluating import LossFunction
from skipgrade.lab.feeding import batches
from skipgrade.lab.files import run_file, write_atomically
from skipgrade.lab.history import History
from skipgrade.lab.keeping import fetch, keep
from skipgrade.lab.machine import keep_freed_memory, seed_everything
from skipgrade.lab.progress import Shown, show
from skipgrade.lab.retraining import most_epochs, moved
from skipgrade.lab.schedules import Schedule
from skipgrade.lab.settings import refuse_change
from skipgrade.lab.steps import LabStep, TrainAccuracy, checked_loss

Step = Callable[[nn.Module, Tensor, Tensor, LossFunction, Optimizer], Any]
Evaluate = Callable[[nn.Module, DataLoader[Any], LossFunction], tuple[float, float]]
STEPS_BETWEEN_LOSS_CHECKS = 20


@dataclass
class Run:
    model: nn.Module
    name: str
    epochs: int
    loaders: tuple[DataLoader[Any], DataLoader[Any]]
    loss: LossFunction
    optimizer: Optimizer
    step: Step
    evaluate: Evaluate
    seed: int
    schedule: LRScheduler | None = None

    def __post_init__(self) -> None:
        self.history = History(self.name)
        if len(self.loaders[0]) == 0:
            raise LabError("There is no image to train on: the training loader is empty.")

    def take_up(self, settings: dict[str, Any], schedule: Schedule | None) -> None:
        """Start the run, or go on with the one on disk if it is the same."""
        self.history.settings = settings
        resume = self._on_disk(settings)
        done = len(resume.history) if resume else 0
        total = self.epochs * len(self.loaders[0])
        if schedule is not None:
            self.schedule = schedule(self.optimizer, total)
            with _no_order_warning():
                for _ in range(done * len(self.loaders[0])):
                    self.schedule.step()
        if resume is None:
            return
        self.history = resume.history
        stretched = schedule is not None and resume.planned != self.epochs
        resume.restore(self.model, self.optimizer, keep_groups=stretched)
        if isinstance(self.step, LabStep) and resume.scaler:
            self.step.scaler.load_state_dict(resume.scaler)
        self._publish(weights_of(self.model))

    def _on_disk(self, settings: dict[str, Any]) -> Resume | None:
        fetch(self.name)
        path = run_file(self.name, "resume.safetensors")
        if path.exists():
            resume = Resume(self.name)
            refuse_change(self.name, resume.history.settings, settings)
            done = len(resume.history)
            if done > self.epochs:
                raise LabError(
                    f"{self.name} has already been trained for {done} epochs, and epochs="
                    f"{self.epochs} asks for fewer. Ask for {done}, use another name, or throw "
                    f"the run away with lab.forget({self.name!r})."
                )
            return resume
        finished = run_file(self.name, "history.json")
        if finished.exists() and History.read(finished).epochs:
            raise LabError(
                f"{finished} is here but {path} is not, so this run cannot go on. Put the file "
                f"back, use another name, or start again with lab.forget({self.name!r})."
            )
        return None

    def train(self) -> None:
        steps = len(self.loaders[0])
        done = len(self.history)
        if done == self.epochs:
            best = self.history.best
            print(
                f"{self.name}: already trained for {done} epochs; best validation accuracy "
                f"{best['val_accuracy']:.1%} (epoch {best['epoch']})."
            )
            return
        keep_freed_memory()
        bar = show(self.name, steps=self.epochs * steps, done=done * steps)
        with _no_order_warning(), bar as progress:
            if done:
                progress.line(f"{self.name}: going on after epoch {done}.")
            for number in range(done + 1, most_epochs(self.epochs) + 1):
                progress.epoch(number, self.epochs)
                self.history.stopped = self._epoch(number, progress)
                if self.history.stopped:
                    progress.line(f"{self.name} stopped: {self.history.stopped}")
                    self.history.write(run_file(self.name, "history.json"))
                    return
                progress.line(_line(self.name, self.history.epochs[-1], self.epochs))

    def _epoch(self, number: int, progress: Shown) -> str | None:
        """Train, validate, save; says why the run cannot go on, if it cannot."""
        started = time.perf_counter()
        self._seed(number)
        rate = self.optimizer.param_groups[0]["lr"]
        train_loss, train_accuracy = self._train_on_all(progress)
        val_loss, val_accuracy = (math.nan, 0.0)
        if math.isfinite(train_loss):
            val_loss, val_accuracy = self._validate()
        if not math.isfinite(val_loss):
            bad = val_loss if math.isfinite(train_loss) else train_loss
            return _diverged(self.name, number, loss=bad, rate=rate)
        self.history.epochs.append(
            {
                "epoch": number,
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
                "learning_rate": rate,
                "seconds": round(time.perf_counter() - started, 3),
            }
        )
        scaler = self.step.scaler.state_dict() if isinstance(self.step, LabStep) else {}
        weights = weights_of(self.model)
        save_resume(self.history, weights, self.optimizer, scaler, self.epochs)
        self._publish(weights)
        return None

    def _train_on_all(self, progress: Shown) -> tuple[float, float]:
        """One pass over the training images: mean loss (not finite: given up) and accuracy."""
        self.model.train()
        accuracy = TrainAccuracy(self.model)
        total: Any = 0.0
        step = self.step
        with nullcontext() if isinstance(step, LabStep) else accuracy.watching():
            for count, (images, labels) in enumerate(batches(self.loaders[0])):
                accuracy.expect(labels)
                loss = step(self.model, images, labels, self.loss, self.optimizer)
                if isinstance(step, LabStep):
                    accuracy.answered(step.answers)
                total = total + checked_loss(loss) * len(labels)
                accuracy.settle()
                if self.schedule is not None:
                    self.schedule.step()
                shown = None
                if count % STEPS_BETWEEN_LOSS_CHECKS == 0:
                    shown = float(total) / accuracy.seen
                    if not math.isfinite(shown):
                        break
                progress.step(shown)
        return float(total) / accuracy.seen, accuracy.share()

    def _validate(self) -> tuple[float, float]:
        result = self.evaluate(self.model, self.loaders[1], self.loss)
        try:
            loss, accuracy = result
            loss, accuracy = float(loss), float(accuracy)
        except (TypeError, ValueError) as error:
            raise LabError(
                f"evaluate must return two numbers, (loss, accuracy), but returned {result!r}."
            ) from error
        if math.isfinite(loss) and not 0 <= accuracy <= 1:
            raise LabError(
                f"evaluate returned accuracy {accuracy}: give it as a fraction between 0 and 1."
            )
        return loss, accuracy

    def _seed(self, epoch: int) -> None:
        """Each epoch's randomness depends on its number alone, so a resumed run draws the same."""
        seed = self.seed * 100_003 + epoch
        seed_everything(seed)
        for loader in self.loaders:
            for generator in {loader.generator, getattr(loader.sampler, "generator", None)}:
                if generator is not None:
                    generator.manual_seed(moved(seed))

    def _publish(self, weights: Tensors) -> None:
        """Write the files of the submission that belong to the epoch just finished."""
        content = save(weights)
        best = self.history.best is self.history.epochs[-1]
        if best:
            write_atomically(run_file(self.name, "best.safetensors"), content)
        write_atomically(run_file(self.name, "last.safetensors"), content)
        self.history.write(run_file(self.name, "history.json"))
        keep(self.name, best=best)


def _diverged(name: str, epoch: int, *, loss: float, rate: float) -> str:
    return (
        f"the loss became {loss} in epoch {epoch} (learning rate {rate:g}). Nothing of this epoch "
        "was saved. Usual causes: a learning rate that is too high, images that are not "
        "normalised, or gradients that are never set back to zero. Once fixed: "
        f"lab.forget({name!r}), then train again."
    )


def _line(name: str, epoch: dict[str, Any], epochs: int) -> str:
    return (
        f"{name} epoch {epoch['epoch']:>{len(str(epochs))}}/{epochs}: "
        f"loss {epoch['train_loss']:.3f}, accuracy {epoch['train_accuracy']:.1%} | "
        f"validation loss {epoch['val_loss']:.3f}, accuracy {epoch['val_accuracy']:.1%} | "
        f"{epoch['seconds']:.1f} s"
    )


@contextmanager
def _no_order_warning() -> Iterator[None]:
    """Catching up on a schedule, or a step skipped by mixed precision, is not a mistake."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Detected call of `lr_scheduler\.step\(\)`")
        yield
