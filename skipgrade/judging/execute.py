"""[grader] nbgrader's Execute with a judge: visible cells run in the student's kernel, hidden
tests do not.

Put into `c.Autograde.autograde_preprocessors` in place of nbgrader's own, it leaves the verdict in
each cell's outputs in the form nbgrader's SaveAutoGrades reads.
"""

from __future__ import annotations

import copy
import signal
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade
from traitlets import Bool, Enum, Integer, Unicode
from traitlets.config import Config

from skipgrade.judging.hostile_messages import HostileMessage, WarySession
from skipgrade.judging.judge_kernel import JudgeFailed, JudgeKernel, judge_for
from skipgrade.judging.outputs import flatten_outputs, write_verdict
from skipgrade.judging.places import source_path
from skipgrade.judging.printable import printable_lines
from skipgrade.judging.restore import grade_id
from skipgrade.judging.sanitise import sanitise
from skipgrade.judging.secret import mark_of, read_secret
from skipgrade.judging.shown import training_files
from skipgrade.judging.source import is_automatic, split
from skipgrade.judging.timekeeping import PATIENCE, CellClock
from skipgrade.judging.unreadable import left_out, reason_unreadable
from skipgrade.judging.verdict import Verdict
from skipgrade.judging.workcopy import working_copy
from skipgrade.sandbox import (
    SandboxMissing,
    async_kernel_manager,
    demand_protection,
    missing_protections,
)

RECOVERY = 10
# The kernel is dead, deaf, or sends what no kernel would send.
LOSSES = (DeadKernelError, CellTimeoutError, HostileMessage)
LEFT_OUT = "it was left out when the notebook was run again."
WARM_UP = "__import__('skipgrade.lab'), __import__('skipgrade.judging.witness')"


class JudgedExecute(Execute):
    """Runs a submission and judges it, cell by cell."""

    kc: Any

    timeout = Integer(
        60, allow_none=True, help="Seconds, on the clock and of the processor, a cell may take."
    ).tag(config=True)
    judging_timeout = Integer(600, help="Seconds the checks of one cell may take.").tag(config=True)
    notebook_timeout = Integer(1800, help="Seconds a whole notebook may take.").tag(config=True)
    output_limit = Integer(
        10 * 2**20, help="Bytes of output a cell may print before it is interrupted."
    ).tag(config=True)
    accept_unrecorded = Bool(
        True, help="Whether functions that only the student's own process can compute earn points."
    ).tag(config=True)
    secret_file = Unicode(
        "holdout.key", help="File in the course root from which held-out images follow."
    ).tag(config=True)
    shutdown_kernel = Enum(  # nobody asks it for anything any more, and its warden clears up
        ["graceful", "immediate"], default_value="immediate"
    ).tag(config=True)
    startup_timeout = Integer(120, help="Seconds a kernel may take to start.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        reason = reason_unreadable(nb)
        for part in (nb, *nb.cells):  # a verdict a submission brings along is not ours
            part.metadata.pop("skipgrade", None)
        self._begin(resources)
        self._incidents += left_out(nb)
        if reason:
            self._abandoned = reason
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
        with working_copy(self._hand_in, self._notebook, nb, mark) as place:
            self._place = place
            resources["metadata"]["path"] = str(place.folder)
            try:
                super().preprocess(nb, resources, km)
            finally:
                resources["metadata"]["path"] = path
                self._part()

    def _begin(self, resources: ResourcesDict) -> None:
        # The exporter is this preprocessor's parent, and nbgrader's converter is the exporter's.
        self._judge: JudgeKernel = judge_for(source_path(self.parent.parent, resources))
        self._hand_in = Path(resources["metadata"]["path"]).resolve()
        self._notebook = resources["nbgrader"]["notebook"]
        self._student = resources["nbgrader"]["student"]
        self._met = False
        self._abandoned = ""
        self._restarts_left = 1
        self._verdicts: dict[int, Verdict] = {}
        self._fatal: set[int] = set()
        self._incidents: list[str] = []
        self._printed = 0
        self._deadline = time.monotonic() + self.notebook_timeout
        self._clock: CellClock | None = None
        self._patience = 0  # seconds on the clock that a cell may take, busy machine or not

    def _course(self) -> Path:
        return Path(self.parent.parent.coursedir.root)

    def _secret(self) -> str:
        return read_secret(self._course() / self.secret_file)

    def create_kernel_manager(self) -> KernelManager:
        config = copy.deepcopy(self.config)
        config.SandboxProvisioner.preload = self._judge.preload
        own = config.SandboxProvisioner.get("readable", [])
        config.SandboxProvisioner.readable = [*own, *training_files()]
        config.SandboxProvisioner.abandoned = [str(self._place.folder.parent)]
        self.km = async_kernel_manager("student", config=config, session=WarySession())
        if self.timeout:
            counted = sys.platform.startswith("linux")  # elsewhere nobody counts processor time
            self._patience = self.timeout * (PATIENCE if counted else 1)
            self.timeout_func = lambda cell: self._patience
            self._clock = self._clock_for(self.km, self.timeout)
        return self.km

    def _clock_for(self, km: Any, seconds: int) -> CellClock:
        async def interrupt() -> None:
            await ensure_async(km.interrupt_kernel())

        async def kill() -> None:
            await ensure_async(km.signal_kernel(signal.SIGKILL))

        return CellClock(seconds, lambda: km.provisioner.cpu_seconds(), interrupt, kill)

    def _timed(self, cell: NotebookNode, index: int) -> None:
        """Run a cell with its clock."""
        clock = self._clock
        self.on_cell_execute = clock and (lambda **_: clock.start())
        try:
            self.execute_cell(cell, index, store_history=True)
        finally:
            if clock:
                clock.stop()

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
            trouble = self._abandoned or self._run(cell, index)
        finally:
            cell.source = shown
        if test:
            verdict = Verdict.zero(trouble) if self._abandoned else self._rule(test.grade_id)
            if verdict.share < 1 and not self._abandoned:
                verdict.earlier = list(self._incidents)
            self._verdicts[index] = verdict
            if verdict.lost_kernel:
                self._recover(index + 1)
        elif is_grade(cell) and self._abandoned:
            cell.outputs = []
        return cell, resources

    def _rule(self, test: str) -> Verdict:
        if not self._met:
            self._judge.ready()
            self._judge.meet(
                self._connection(), self._hand_in, self._notebook, self._student, self._secret(),
                self._course(),
                self.accept_unrecorded,
            )  # fmt: skip
            self._met = True
        started = time.monotonic()
        verdict = self._judge.rule(test, self.judging_timeout, self._student_died)
        verdict.seconds = time.monotonic() - started
        if verdict.trouble:
            told = printable_lines(verdict.trouble)
            self.log.error("A hidden test of cell %s raised:\n%s", test, told)
        return verdict

    def _run(self, cell: NotebookNode, index: int) -> str:
        """Run a visible cell; says why the rest was abandoned, if it now is."""
        if time.monotonic() > self._deadline:
            self._abandoned = f"The notebook took more than {self.notebook_timeout} s in all."
            return self._abandoned
        self._printed = 0
        try:
            self._timed(cell, index)
            incident = self._interruption(cell)
            lost = bool(incident) and not self._reacts()
        except LOSSES as error:
            incident, lost = self._loss(error), True
            cell.outputs.append(_error_output(incident))
        if incident:
            name = grade_id(cell) or f"number {index + 1}"
            self._incidents.append(f"An earlier cell ({name}): {incident}")
        if lost:
            self._fatal.add(index)
            self._recover(index)
        return self._abandoned

    def _interruption(self, cell: NotebookNode) -> str:
        """Why the cell was interrupted; empty when it was not."""
        if self._printed > self.output_limit:
            return f"{self._printed_too_much()}."
        if self._clock and self._clock.ran_out:
            return f"it was stopped after {self.timeout} s."
        names = [output.ename for output in cell.outputs if output.output_type == "error"]
        if self.error_on_timeout and self.error_on_timeout["ename"] in names:
            return f"it was stopped after {self._patience} s."
        return ""

    def _printed_too_much(self) -> str:
        return f"it printed more than {self.output_limit:,} bytes and was stopped"

    def output(self, outs: list, msg: dict, display_id: str, cell_index: int) -> Any:
        """Keep what a cell prints up to the limit; interrupt the cell that goes on printing."""
        before = self._printed
        self._printed += len(str(msg["content"]))
        if self._printed <= self.output_limit:
            return super().output(outs, msg, display_id, cell_index)
        if before <= self.output_limit:
            note = f"Stopped: more than {self.output_limit:,} bytes of output."
            outs.append(NotebookNode(output_type="stream", name="stderr", text=note))
            self._interrupt_soon()
        return None

    def handle_comm_msg(self, outs: list, msg: dict, cell_index: int) -> None:
        """Widgets have no one to move them here; their messages are not to be trusted."""

    # The student's kernel -------------------------------------------------------------------

    def _interrupt_soon(self) -> None:
        import asyncio

        assert self.km is not None
        self._interrupting = asyncio.ensure_future(self.km.interrupt_kernel())

    def _student_died(self) -> bool:
        return self.km is None or not _now(self.km.is_alive())

    def start_new_kernel_client(self, **kwargs: Any) -> Any:
        """Import what every notebook imports before its clock starts.

        On a busy machine importing torch can take longer than a cell may; that is the grader's
        time, not the student's.
        """
        client = super().start_new_kernel_client(**kwargs)
        if not self._replies(self.kc.execute(WARM_UP, silent=True), self.startup_timeout):
            raise RuntimeError(f"No kernel was ready within {self.startup_timeout} s.")
        return client

    def _loss(self, error: Exception) -> str:
        """How the kernel was lost, in words for its author."""
        if self._printed > self.output_limit:
            return f"{self._printed_too_much()}; {LEFT_OUT}"
        if isinstance(error, CellTimeoutError) or (self._clock and self._clock.ran_out):
            return f"it could not be interrupted; {LEFT_OUT}"
        if not isinstance(error, DeadKernelError):
            return f"its kernel sent messages that are none ({type(error).__name__}); {LEFT_OUT}"
        provisioner: Any = self.km.provisioner if self.km else None
        if reason := getattr(provisioner.process, "reason", ""):
            return f"the kernel was stopped in it: {reason}; {LEFT_OUT}"
        return f"the kernel died in it; {LEFT_OUT}"

    def _reacts(self) -> bool:
        """Whether the kernel answers after an interrupt."""
        return self._replies(self.kc.kernel_info(), RECOVERY)

    def _replies(self, message: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._student_died():
            try:
                reply = _now(self.kc.get_shell_msg(timeout=1))
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == message:
                return True
        return False

    def _recover(self, upto: int) -> None:
        """Restart the kernel and bring the notebook back to cell `upto`; once, then give up."""
        self._part()
        if not self._restarts_left:
            self._abandoned = (
                "The notebook's kernel was lost a second time; the cells after that were not run."
            )
            return
        self._restarts_left -= 1
        assert self.km is not None and self.kc is not None
        self.kc.stop_channels()
        self.kc = None
        _now(self.km.restart_kernel(now=True))
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:upto]):
            if cell.cell_type == "code" and index not in self._fatal and not self._abandoned:
                self._run_again(cell, index)

    def _run_again(self, cell: NotebookNode, index: int) -> None:
        """Run a cell for its effect on the kernel alone; what it showed the first time stays."""
        again = copy.deepcopy(cell)
        if is_automatic(cell):
            again.source = split(cell.source)[0]
        self._printed = 0
        try:
            self._timed(again, index)
        except LOSSES:
            self._fatal.add(index)
            self._recover(index)
        finally:
            self.nb.cells[index] = cell  # nbclient has put its own in place

    def _connection(self) -> dict[str, Any]:
        assert self.km is not None
        info = dict(self.km.get_connection_info())
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in info.items()
        }

    def _part(self) -> None:
        if self._met:
            self._met = False
            self._judge.part()


def why_not_here(config: Config) -> str:
    """Why submissions cannot be run on this machine as the course demands; empty if they can."""
    try:
        demand_protection(config.SandboxProvisioner.get("accept_missing", []))
    except SandboxMissing as error:
        return str(error)
    return ""


def _now(value: Any) -> Any:
    """The result of nbclient's sometimes asynchronous managers."""
    return run_sync(ensure_async)(value)


def _error_output(told: str) -> NotebookNode:
    return NotebookNode(output_type="error", ename="CellLost", evalue=told, traceback=[told])


__all__ = ["JudgeFailed", "JudgedExecute", "why_not_here"]
