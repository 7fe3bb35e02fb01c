"""[grader] The trusted kernel, seen from the grader: runs a source notebook once, then gives
verdicts.
"""

from __future__ import annotations

import ast
import atexit
import dataclasses
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from traitlets.config import Config

from skipgrade.judging.grader.preload import preload
from skipgrade.judging.grader.source import SourceError, SourceNotebook, read_source
from skipgrade.judging.grader.workcopy import copy_plain_files
from skipgrade.judging.stopped_cells import StoppedCell
from skipgrade.judging.verdict import Verdict
from skipgrade.sandbox import kernel_manager

START_TIMEOUT_S = 180.0
INTERRUPT_TIMEOUT_S = 15.0


class JudgeError(RuntimeError):
    """The judge itself did not work; no submission is to pay for that."""


class JudgeKernel:
    """A kernel that has run the source notebook's setup and solution cells."""

    def __init__(self, source: SourceNotebook) -> None:
        self.source = source
        self.preload = preload(source.path)  # for the student's kernels as well: all fork from one
        self._folder = Path(tempfile.mkdtemp(prefix="skipgrade-judge-"))
        copy_plain_files(source.path.parent, self._folder / "work")
        config = Config()
        config.WarmProvisioner.abandoned = [str(self._folder)]
        config.WarmProvisioner.preload = self.preload
        self._manager: KernelManager = kernel_manager("judge", config=config)
        self._manager.start_kernel(
            cwd=str(self._folder / "work"), env=os.environ | {"SKIPGRADE_JUDGE": "1"}
        )
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels(iopub=False, stdin=False, hb=False)
        self._failure: Exception | None = None
        # Sent before the kernel is up, so that it imports torch while the student's does.
        self._pending = [
            (cell, self._client.execute(code, allow_stdin=False)) for cell, code in source.setup
        ]

    def ready(self) -> None:
        """Wait until every setup cell has run; `SourceError` names the first that did not."""
        if self._failure:
            raise self._failure
        while self._pending:
            cell, message = self._pending.pop(0)
            reply = self._reply_to(message, START_TIMEOUT_S)
            if reply is None:
                self._failure = JudgeError(
                    f"{self.source.path}, cell {cell}: not finished within {START_TIMEOUT_S:g} s."
                )
            elif reply["status"] != "ok":
                self._failure = SourceError(
                    f"{self.source.path}, cell {cell}: {reply.get('ename')}: "
                    f"{reply.get('evalue')}. The judge runs every code cell that is not tagged "
                    "'needs-training'; fix the cell or tag it."
                )
            if self._failure:
                raise self._failure

    def connect_student(
        self, connection: dict[str, Any], hand_in: Path, notebook: str, student: str, secret: str,
        course: Path, accept_unrecorded: bool,
    ) -> None:  # fmt: skip
        """Introduce the student's kernel, and the files that were handed in."""
        names = str(hand_in), notebook, student, secret, str(course)
        self._call(
            f"connect_student{(connection, *names, accept_unrecorded)!r}", START_TIMEOUT_S, _never
        )

    def disconnect_student(self) -> None:
        """Forget the student's kernel."""
        self._call("disconnect_student()", INTERRUPT_TIMEOUT_S, _never)

    def judge_cell(
        self,
        grade_id: str,
        stopped: Sequence[StoppedCell],
        seconds: float,
        student_died: Callable[[], bool],
    ) -> Verdict:
        """The verdict on one test cell, after cells of which some have `stopped` with an exception;
        gives up when the student's kernel has died.
        """
        asked = self.source.tests[grade_id].hidden, grade_id, [*map(dataclasses.asdict, stopped)]
        text = self._call(f"judge_cell{asked!r}", seconds, student_died)
        told = json.loads(text)
        if "failed" in told:
            raise JudgeError(f"{self.source.path}, {told['failed']}")
        verdict = Verdict(**told["verdict"])
        if student_died():
            reason = "The notebook's kernel died while this cell was checked."
            return Verdict.zero(reason, kernel_lost=True)
        return verdict

    def alive(self) -> bool:
        return bool(self._manager.is_alive())

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, call: str, seconds: float, stop: Callable[[], bool]) -> str:
        source = f"__import__('skipgrade.judging.judge.judge_side', fromlist=['judge_cell']).{call}"
        message = self._client.execute(
            "", silent=True, allow_stdin=False, user_expressions={"result": source}
        )
        reply = self._reply_to(message, seconds, stop)
        if reply is None:
            self._manager.interrupt_kernel()
            reply = self._reply_to(message, INTERRUPT_TIMEOUT_S)
        result = (reply or {}).get("user_expressions", {}).get("result", {})
        if result.get("status") != "ok":
            told = "\n".join(result.get("traceback", [])) or "no reply"
            raise JudgeError(f"The judge of {self.source.path} failed: {told}")
        value = ast.literal_eval(result["data"]["text/plain"])
        return value if isinstance(value, str) else ""

    def _reply_to(
        self, message: str, seconds: float, stop: Callable[[], bool] | None = None
    ) -> dict[str, Any] | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (stop and stop()):
            try:
                reply = self._client.get_shell_msg(timeout=0.5)
            except Empty:
                if not self._manager.is_alive():
                    raise JudgeError(f"The judge of {self.source.path} died.") from None
                continue
            if reply["parent_header"].get("msg_id") == message:
                return dict(reply["content"])
        return None


def _never() -> bool:
    return False


_judges: dict[Path, tuple[float, JudgeKernel]] = {}


def judge_for(path: Path) -> JudgeKernel:
    """The judge of this source notebook: one for a whole run, again when the file has changed."""
    stamp = path.stat().st_mtime if path.is_file() else 0.0
    if path in _judges and _judges[path][0] == stamp and _judges[path][1].alive():
        return _judges[path][1]
    dismiss(path)
    judge = JudgeKernel(read_source(path))
    _judges[path] = (stamp, judge)
    return judge


def dismiss(path: Path) -> None:
    """Shut down the judge of this source notebook, if there is one."""
    if path in _judges:
        _judges.pop(path)[1].close()


@atexit.register
def dismiss_all() -> None:
    for path in list(_judges):
        dismiss(path)
