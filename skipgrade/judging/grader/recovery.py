"""[grader] nbgrader's Execute for a notebook that may hang, flood, or end its kernel.

A cell has limits of time and output. A kernel that is lost is started again once, and the notebook
brought back to where it was.
"""

from __future__ import annotations

import asyncio
import copy
import signal
import sys
import time
from queue import Empty
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Enum, Integer

from skipgrade.judging.grader.cell_clock import PATIENCE, CellClock
from skipgrade.judging.grader.matching import grade_id
from skipgrade.judging.grader.source import is_automatic, split
from skipgrade.judging.grader.student_messages import HostileMessageError
from skipgrade.judging.stopped_cells import CELL_LOST

RECOVERY_TIMEOUT_S = 10
# The kernel is dead, deaf, or sends what no kernel would send.
LOSSES = (DeadKernelError, CellTimeoutError, HostileMessageError)
LEFT_OUT = "it was skipped when the notebook was run again."
WARM_UP = "__import__('skipgrade.lab'), __import__('skipgrade.judging.student_side')"


class RecoveringExecute(Execute):
    """Runs visible cells. `incidents` says in words what was stopped, and `abandoned` why the rest
    was not run; a subclass is told with `kernel_gone` that what it holds of the kernel is void.
    """

    kc: Any

    timeout = Integer(
        60, allow_none=True, help="Seconds, on the clock and of the processor, a cell may take."
    ).tag(config=True)
    notebook_timeout = Integer(1800, help="Seconds a whole notebook may take.").tag(config=True)
    output_limit = Integer(
        10 * 2**20, help="Bytes of output a cell may print before it is interrupted."
    ).tag(config=True)
    shutdown_kernel = Enum(  # nobody asks it for anything any more, and its supervisor clears up
        ["graceful", "immediate"], default_value="immediate"
    ).tag(config=True)
    startup_timeout = Integer(120, help="Seconds a kernel may take to start.").tag(config=True)

    def begin(self) -> None:
        """For a new notebook."""
        self.abandoned = ""
        self.incidents: list[str] = []
        self._restarts_left = 1
        self._killers: set[int] = set()  # cells that cost the notebook its kernel
        self._printed = 0
        self._deadline = time.monotonic() + self.notebook_timeout
        self._clock: CellClock | None = None
        self._patience = 0  # seconds on the clock that a cell may take, busy machine or not

    def kernel_gone(self) -> None:
        """The kernel has ended, or is about to."""

    def watch(self, km: Any) -> None:
        """Give the cells of this manager's kernel their clock."""
        if self.timeout:
            counted = sys.platform.startswith("linux")  # elsewhere nobody counts processor time
            self._patience = self.timeout * (PATIENCE if counted else 1)
            self.timeout_func = lambda cell: self._patience
            self._clock = self._clock_for(km, self.timeout)

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

    def run_visible(self, cell: NotebookNode, index: int) -> str:
        """Run a visible cell; says why the rest was abandoned, if it now is."""
        if time.monotonic() > self._deadline:
            self.abandoned = f"The notebook took more than {self.notebook_timeout} s in total."
            return self.abandoned
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
            self.incidents.append(f"An earlier cell ({name}): {incident}")
        if lost:
            self._killers.add(index)
            self.recover(index)
        return self.abandoned

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

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
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

    def handle_comm_msg(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Widgets have no one to move them here; their messages are not to be trusted."""

    def _interrupt_soon(self) -> None:
        assert self.km is not None
        self._interrupting = asyncio.ensure_future(self.km.interrupt_kernel())

    def kernel_died(self) -> bool:
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
            return f"its kernel sent invalid messages ({type(error).__name__}); {LEFT_OUT}"
        km: Any = self.km
        if reason := km.provisioner.why_ended():
            return f"the kernel was stopped while running it: {reason}; {LEFT_OUT}"
        return f"the kernel died while running it; {LEFT_OUT}"

    def _reacts(self) -> bool:
        """Whether the kernel answers after an interrupt."""
        return self._replies(self.kc.kernel_info(), RECOVERY_TIMEOUT_S)

    def _replies(self, message: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.kernel_died():
            try:
                reply = _now(self.kc.get_shell_msg(timeout=1))
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == message:
                return True
        return False

    def recover(self, upto: int) -> None:
        """Restart the kernel and bring the notebook back to cell `upto`; once, then give up."""
        self.kernel_gone()
        if not self._restarts_left:
            self.abandoned = (
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
            if cell.cell_type == "code" and index not in self._killers and not self.abandoned:
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
            self._killers.add(index)
            self.recover(index)
        finally:
            self.nb.cells[index] = cell  # nbclient has put its own in place


def _now(value: Any) -> Any:
    """The result of nbclient's sometimes asynchronous managers."""
    return run_sync(ensure_async)(value)


def _error_output(told: str) -> NotebookNode:
    return NotebookNode(output_type="error", ename=CELL_LOST, evalue=told, traceback=[told])
