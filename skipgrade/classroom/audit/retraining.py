"""A submission's code run once more, confined as in grading, so that it trains from nothing."""

from __future__ import annotations

import copy
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode

from skipgrade.classroom.audit.claims import LARGEST_HISTORY, Claim
from skipgrade.classroom.audit.measuring import (
    Measured,
    UnmeasuredError,
    bench,
    equal,
    read_weights,
)
from skipgrade.classroom.course import Course
from skipgrade.classroom.histories import histories_in
from skipgrade.judging.grader.preload import preload
from skipgrade.judging.grader.recovery import RecoveringExecute
from skipgrade.judging.grader.source import split
from skipgrade.judging.grader.student_messages import WarySession
from skipgrade.judging.grader.training_files import training_files
from skipgrade.judging.intake.plain_files import copy_plain, entries
from skipgrade.judging.judge.answerers import RemoteNotebook
from skipgrade.judging.printable import presentable
from skipgrade.lab.history import History
from skipgrade.lab.retraining import VARIABLE
from skipgrade.sandbox import SandboxProvisioner, async_kernel_manager
from skipgrade.sandbox.folders import remove

MARGIN_S = 300  # beyond the time for training, for what else a kernel does
LOOK_S = 1.0  # between two looks at how far it is, for whoever watches
CODE = ".py"  # what a student may have written next to the notebook


@dataclass(frozen=True)
class Terms:
    """How submissions are trained again."""

    seeds: int = 1  # which other seeds; 0: those of the notebook
    epochs: int = 0  # of each run at most; 0: all its notebook asks for
    minutes: float = 60  # for one submission
    device: str = ""  # "cpu" or "cuda"; else what the notebook finds

    def environment(self) -> dict[str, str]:
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if self.device == "cpu" else {}
        found = {**os.environ, "NBGRADER_EXECUTION": "autograde", **hidden}
        found.pop("SKIPGRADE_JUDGE", None)
        return found | {VARIABLE: f"{self.seeds} {self.epochs}"}


@dataclass
class Again:
    """One run trained again, and what both its weights and those handed in do."""

    history: History
    claimed: Measured | None = None
    reached: Measured | None = None
    unmeasured: str = ""  # why it is not known what the weights do
    misfit: str = ""  # why those handed in do not fit this network
    same: bool = False  # weights, to the last bit


@dataclass
class Outcome:
    runs: dict[str, Again] = field(default_factory=dict)
    trouble: str = ""  # why runs are missing


def retrain(
    course: Course, assignment: str, claim: Claim, terms: Terms, show: Callable[[int], None]
) -> Outcome:
    """Train the runs of a claim again; `show` is told how many epochs are done.

    In a thread of its own: in the main thread nbclient would hear Ctrl-C, and not this command.
    """
    future: Future[Outcome] = Future()

    def work() -> None:
        try:
            future.set_result(_retrain(course, assignment, claim, terms, show))
        except Exception as error:  # whatever it is, the others' turn comes
            future.set_result(Outcome(trouble=presentable(f"{type(error).__name__}: {error}")))

    threading.Thread(target=work, daemon=True).start()
    return future.result()


def _retrain(
    course: Course, assignment: str, claim: Claim, terms: Terms, show: Callable[[int], None]
) -> Outcome:
    source = course.folder("source", assignment) / f"{assignment}.ipynb"
    with _empty_folder(claim, course.folder("release", assignment)) as folder:
        executing = Retraining(claim, folder, preload(source), terms, show, course.config)
        return executing.outcome()


@contextmanager
def _empty_folder(claim: Claim, released: Path) -> Iterator[Path]:
    """What the course gives and the student's own code; no weights, no histories, no notebook."""
    root = Path(tempfile.mkdtemp(prefix="skipgrade-audit-"))
    try:
        folder = root / "work"
        folder.mkdir()
        given = [(released, entry) for entry in entries(released)] if released.is_dir() else []
        own = [(claim.folder, entry) for entry in entries(claim.folder)]
        for origin, entry in given:
            if not entry.odd and entry.path.suffix not in (".ipynb", ".whl"):
                copy_plain(origin / entry.path, folder / entry.path)
        for origin, entry in own:
            if not entry.odd and entry.path.suffix == CODE:
                copy_plain(origin / entry.path, folder / entry.path)
        yield folder
    finally:
        remove(root)


class Retraining(RecoveringExecute):
    """Runs the cells of a submission until its runs are there, then asks for their networks."""

    def __init__(
        self,
        claim: Claim,
        folder: Path,
        modules: list[str],
        terms: Terms,
        show: Callable[[int], None],
        config: Any,
    ) -> None:
        super().__init__(config=config)
        self._claim, self._folder, self._terms, self._show = claim, folder, terms, show
        self._modules = modules
        self._runs: dict[str, Again] = {}
        self._finished = False
        self._shown = 0.0

    def outcome(self) -> Outcome:
        self.timeout = self.notebook_timeout = int(60 * self._terms.minutes)
        self.begin()
        self._restarts_left = 0  # who loses a kernel would only train once more from the start
        notebook = copy.deepcopy(self._claim.notebook)
        assert notebook is not None
        self.preprocess(notebook, ResourcesDict(metadata={"path": str(self._folder)}))
        return Outcome(self._runs, self._trouble(notebook))

    def create_kernel_manager(self) -> KernelManager:
        config = copy.deepcopy(self.config)
        own = SandboxProvisioner(config=config)
        config.SandboxProvisioner.preload = self._modules
        config.SandboxProvisioner.readable = [*own.readable, *training_files()]
        config.SandboxProvisioner.abandoned = [str(self._folder.parent)]
        seconds = int(60 * self._terms.minutes) + MARGIN_S
        config.SandboxProvisioner.seconds = max(own.seconds, seconds)
        self.km = async_kernel_manager("student", config=config, session=WarySession())
        self.watch(self.km)
        return self.km

    def start_new_kernel(self, **kwargs: Any) -> None:
        super().start_new_kernel(env=self._terms.environment(), **kwargs)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code" and not self.abandoned and not self._finished:
            cell.source = split(cell.source)[0]
            self.run_visible(cell, index)
        here, last = self._histories(), index == len(self.nb.cells) - 1
        self._show(sum(map(len, here.values())))
        all_here = here.keys() >= self._claim.histories.keys()
        if not self._finished and not self.abandoned and (all_here or last):
            self._finished = True
            self._measure(here)
        return cell, resources

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
        if time.monotonic() - self._shown > LOOK_S:
            self._shown = time.monotonic()
            self._show(sum(map(len, self._histories().values())))
        return super().output(outs, msg, display_id, cell_index)

    def _histories(self) -> dict[str, History]:
        """Of the runs handed in, those that have come so far."""
        found = histories_in(self._folder, LARGEST_HISTORY)
        return {run: one for run, one in found.items() if run in self._claim.histories}

    def _measure(self, found: dict[str, History]) -> None:
        assert self.km is not None
        connection = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in self.km.get_connection_info().items()
        }
        with closing(RemoteNotebook(connection)) as notebook:
            for run, history in found.items():
                self._runs[run] = self._measured(notebook, run, history)

    def _measured(self, notebook: RemoteNotebook, run: str, history: History) -> Again:
        again = Again(history)
        if not history.epochs:
            return again
        try:
            ours = read_weights(self._folder / self._claim.weights(run).name)
            place = bench(notebook, run)
            again.reached = place.measure(ours)
            theirs = read_weights(self._claim.weights(run))
            again.same = equal(ours, theirs)
            again.misfit = place.misfit(theirs)
            again.claimed = None if again.misfit else place.measure(theirs)
        except UnmeasuredError as error:
            again.unmeasured = str(error)
        return again

    def _trouble(self, notebook: NotebookNode) -> str:
        """Why runs are missing, as far as one knows."""
        missing = self._claim.histories.keys() - self._runs.keys()
        if not missing:
            return ""
        if self.incidents:
            return self.incidents[0]
        raised = [
            presentable(f"{output.ename}: {output.evalue}")
            for cell in notebook.cells
            for output in cell.get("outputs", ())
            if output.output_type == "error"
        ]
        return f"a cell stopped with {raised[0]}" if raised else "no cell of the notebook trains it"
