"""[grader] nbgrader's Execute with a judge: visible cells run in the student's kernel, hidden
tests do not.

Put into `c.Autograde.autograde_preprocessors` in place of nbgrader's own, it leaves the verdict in
each cell's outputs in the form nbgrader's SaveAutoGrades reads.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.utils import is_grade
from traitlets import Bool, Integer, Unicode
from traitlets.config import Config

from skipgrade.judging.grader.judge_kernel import JudgeError, JudgeKernel, judge_for
from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.grader.notebook_paths import source_path
from skipgrade.judging.grader.outputs import flatten_outputs, write_verdict
from skipgrade.judging.grader.recovery import RecoveringExecute
from skipgrade.judging.grader.source import is_automatic
from skipgrade.judging.grader.student_messages import WarySession
from skipgrade.judging.grader.training_files import training_files
from skipgrade.judging.grader.workcopy import working_copy
from skipgrade.judging.intake.exporter import left_out, reason_unreadable
from skipgrade.judging.pages.sanitise import sanitise
from skipgrade.judging.printable import printable_lines
from skipgrade.judging.repairs import repairs
from skipgrade.judging.secret import mark_of, read_secret
from skipgrade.judging.stopped_cells import StoppedCell, stopped_cell
from skipgrade.judging.verdict import Verdict
from skipgrade.sandbox import (
    SandboxMissingError,
    SandboxProvisioner,
    async_kernel_manager,
    demand_protection,
    missing_protections,
)


class JudgedExecute(RecoveringExecute):
    """Runs a submission and judges it, cell by cell."""

    judging_timeout = Integer(600, help="Seconds the checks of one cell may take.").tag(config=True)
    accept_unrecorded = Bool(
        True, help="Whether functions that only the student's own process can compute earn points."
    ).tag(config=True)
    secret_file = Unicode(
        "holdout.key", help="File in the course root from which held-out images follow."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        reason = reason_unreadable(nb)
        for part in (nb, *nb.cells):  # a verdict a submission brings along is not ours
            part.metadata.pop("skipgrade", None)
        self._begin(resources)
        self.incidents += left_out(nb)
        self.incidents += [f"Repaired before grading: {told}." for told in repairs(nb)]
        if reason:
            self.abandoned = reason
            for index, cell in enumerate(nb.cells):
                self.preprocess_cell(cell, resources, index)
        else:
            self._execute(nb, resources, km)
            nb.metadata["skipgrade"] = {"unprotected": missing_protections()}
        # Only now, with the student's kernel gone: until then it can still change what cells show.
        sanitise(nb)
        for index, verdict in self._verdicts.items():
            flatten_outputs(nb.cells[index])
            write_verdict(nb.cells[index], verdict)
        return nb, resources

    def _execute(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None
    ) -> None:
        path = resources["metadata"]["path"]
        mark = mark_of(self._secret(), self._student)
        with working_copy(self._hand_in, self._notebook, nb, mark) as copied:
            self._workcopy = copied
            resources["metadata"]["path"] = str(copied.folder)
            try:
                super().preprocess(nb, resources, km)
            finally:
                resources["metadata"]["path"] = path
                self.kernel_gone()

    def _begin(self, resources: ResourcesDict) -> None:
        # The exporter is this preprocessor's parent, and nbgrader's converter is the exporter's.
        self._judge: JudgeKernel = judge_for(source_path(self.parent.parent, resources))
        self._hand_in = Path(resources["metadata"]["path"]).resolve()
        self._notebook = resources["nbgrader"]["notebook"]
        self._student = resources["nbgrader"]["student"]
        self._connected = False
        self._verdicts: dict[int, Verdict] = {}
        self._stopped: list[StoppedCell] = []
        self.begin()

    def _course(self) -> Path:
        return Path(self.parent.parent.coursedir.root)

    def _secret(self) -> str:
        return read_secret(self._course() / self.secret_file)

    def create_kernel_manager(self) -> KernelManager:
        config = copy.deepcopy(self.config)
        config.SandboxProvisioner.preload = self._judge.preload
        own = SandboxProvisioner(config=config).readable
        config.SandboxProvisioner.readable = [*own, *training_files()]
        config.SandboxProvisioner.abandoned = [str(self._workcopy.folder.parent)]
        self.km = async_kernel_manager("student", config=config, session=WarySession())
        self.watch(self.km)
        return self.km

    # One cell -------------------------------------------------------------------------------

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type != "code":
            return cell, resources
        shown = cell.source
        test = self._judge.source.test(grade_id(cell)) if is_automatic(cell) else None
        if test:  # its visible part comes from the source: what it says is not the student's
            cell.source = test.visible
        try:
            reason = self.abandoned or self.run_visible(cell, index)
        finally:
            cell.source = shown
        if not test and (stopped := stopped_cell(cell, self._due(cell))):
            self._stopped.append(stopped)
        if test:
            verdict = Verdict.zero(reason) if self.abandoned else self._verdict_on(test.grade_id)
            if verdict.share < 1 and not self.abandoned:
                verdict.earlier = list(self.incidents)
            self._verdicts[index] = verdict
            if verdict.kernel_lost:
                self.recover(index + 1)
        elif is_grade(cell) and self.abandoned:
            cell.outputs = []
        return cell, resources

    def _due(self, cell: NotebookNode) -> str:
        """The solution's code in the place of an answer."""
        return self._judge.source.answers.get(grade_id(cell) or "", "")

    def _verdict_on(self, test: str) -> Verdict:
        if not self._connected:
            self._judge.ready()
            self._judge.connect_student(
                self._connection(), self._hand_in, self._notebook, self._student, self._secret(),
                self._course(),
                self.accept_unrecorded,
            )  # fmt: skip
            self._connected = True
        started = time.monotonic()
        verdict = self._judge.judge_cell(
            test, self._stopped, self.judging_timeout, self.kernel_died
        )
        verdict.seconds = time.monotonic() - started
        if verdict.internal_error:
            told = printable_lines(verdict.internal_error)
            self.log.error("A hidden test of cell %s raised:\n%s", test, told)
        return verdict

    # The student's kernel -------------------------------------------------------------------

    def _connection(self) -> dict[str, Any]:
        assert self.km is not None
        info = dict(self.km.get_connection_info())
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in info.items()
        }

    def kernel_gone(self) -> None:
        if self._connected:
            self._connected = False
            self._judge.disconnect_student()


def why_not_here(config: Config) -> str:
    """Why submissions cannot be run on this machine as the course demands; empty if they can."""
    try:
        demand_protection(SandboxProvisioner(config=config).accept_missing)
    except SandboxMissingError as error:
        return str(error)
    return ""


__all__ = ["JudgeError", "JudgedExecute", "why_not_here"]
