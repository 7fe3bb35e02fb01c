"""[judge's kernel] Gives verdicts, once the source notebook has run there."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import traceback
from pathlib import Path
from types import CodeType
from typing import Any

from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answer_cache import CachedNotebook
from skipgrade.judging.judge.answerers import (
    Answerer,
    KernelLostError,
    LocalNotebook,
    NotebookCodeError,
    QuestionTimeoutError,
    RemoteNotebook,
)
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.holdout import HoldoutError, held_out
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.secret import mark_of
from skipgrade.judging.stopped_cells import StoppedCell
from skipgrade.judging.verdict import HiddenTestError, NoAnswerError, Verdict
from skipgrade.judging.wire.messages import BadMessageError

# Raised in a hidden test these are no fault of the student's: a name, an import, a syntax error,
# and what the solution did not answer (where the student does not, it is a `NoAnswerError`).
GRADERS_ERRORS = (
    NameError,
    ImportError,
    SyntaxError,
    NotebookCodeError,
    QuestionTimeoutError,
    BadMessageError,
)

_student: RemoteNotebook | None = None


def connect_student(
    connection: dict[str, Any],
    hand_in: str,
    notebook: str,
    student: str,
    secret: str,
    course: str,
    accept_unrecorded: bool,
) -> None:
    """Turn to the student's kernel at `connection`; the one before is forgotten."""
    global _student
    disconnect_student()
    _student = RemoteNotebook(connection)
    holdout = functools.partial(held_out, secret=secret, course=course)
    handed_in = HandedIn(Path(hand_in), notebook, mark_of(secret, student))
    seed = f"{secret}\n{student}\n{handed_in.fingerprint()}"
    trials.begin(
        Trial(
            _student,
            _solution(),
            holdout,
            grading=True,
            seed=seed,
            handed_in=handed_in,
            accept_unrecorded=accept_unrecorded,
        )
    )


@functools.cache
def _solution() -> Answerer:
    """The source notebook; what it answers holds for every submission."""
    return CachedNotebook(LocalNotebook(sys.modules["__main__"].__dict__))


def disconnect_student() -> None:
    """Let go of the student's kernel."""
    global _student
    trials.end()
    if _student is not None:
        _student.close()
        _student = None


def judge_cell(text: str, cell: str, stopped: list[dict[str, Any]]) -> str:
    """Run the hidden tests of a cell and say, as JSON, what they found, or why they could not.

    `stopped` are the cells before it that raised, as `StoppedCell` keeps them.
    """
    trials.current().stopped = [StoppedCell(**one) for one in stopped]
    try:
        verdict = verdict_on(text, cell, sys.modules["__main__"].__dict__)
    except (HiddenTestError, HoldoutError) as error:
        return json.dumps({"failed": str(error)})
    return json.dumps({"verdict": verdict.to_dict()})


def verdict_on(text: str, cell: str, source: dict[str, Any]) -> Verdict:
    """What the hidden tests find, run in a copy of the source notebook's namespace."""
    trial = trials.current()
    trial.begin_cell(cell)
    try:
        _run(text, cell, source)
    except KernelLostError as error:
        reason = f"The notebook's kernel was lost while this cell was checked: {error}."
        return Verdict.zero(reason, kernel_lost=True)
    except KeyboardInterrupt:
        return Verdict.zero("Checking this cell took too long and was stopped.")
    except HoldoutError:
        raise
    except HiddenTestError as error:
        raise _located(error, cell) from error
    except NoAnswerError as error:
        return _verdict(trial, 0.0, error.args[0])
    except AssertionError as error:
        reason = error.args[0] if error.args else "A hidden test of this cell failed."
        return _verdict(trial, 0.0, reason)
    except GRADERS_ERRORS as error:
        raise _located(error, cell) from error
    except Exception as error:
        if _fails_for_the_solution_too(text, cell, source):
            raise _located(error, cell) from error
        reason = f"This answer could not be checked ({type(error).__name__})."
        return Verdict(0.0, [reason], internal_error=traceback.format_exc())
    return _verdict(trial, max(0.0, 1.0 - trial.lost))


def _run(text: str, cell: str, source: dict[str, Any]) -> None:
    exec(_compiled(text, cell), dict(source))


@functools.cache  # every submission is asked the same
def _compiled(text: str, cell: str) -> CodeType:
    return compile(text, _file(cell), "exec")


def _fails_for_the_solution_too(text: str, cell: str, source: dict[str, Any]) -> bool:
    """Whether the test raises, and not only finds fault, when the solution itself is on trial."""
    tried = trials.current()
    trials.begin(
        dataclasses.replace(tried, student=tried.solution, networks={}, measured={}, faulty=set())
    )
    try:
        trials.current().begin_cell(cell)
        _run(text, cell, source)
    except (AssertionError, NoAnswerError, KernelLostError):
        return False
    except Exception:
        return True
    finally:
        trials.begin(tried)
    return False


def _located(error: BaseException, cell: str) -> HiddenTestError:
    """The same, with the cell and the line of the hidden test in which it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == _file(cell)]
    lines = lines or [getattr(error, "lineno", None)]
    where = f"cell {cell}, line {lines[-1]} of its hidden tests" if lines[-1] else f"cell {cell}"
    told = str(error) if isinstance(error, HiddenTestError) else f"{type(error).__name__}: {error}"
    return HiddenTestError(f"{where}: {told}")


def _file(cell: str) -> str:
    return f"<hidden tests of {cell}>"


def _verdict(trial: Trial, share: float, *reasons: str) -> Verdict:
    return Verdict(share, [*trial.reasons, *reasons], trial.notes, trial.accuracies)
