"""Runs in the judge's kernel, once the source notebook has run there."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from skipgrade.judging import session as sessions
from skipgrade.judging.checks.asking import NoAnswer
from skipgrade.judging.holdout import HoldoutUnusable, held_out
from skipgrade.judging.parties import Afar, Here, Lost, Party
from skipgrade.judging.remembering import Remembering
from skipgrade.judging.session import Session
from skipgrade.judging.verdict import Verdict

_student: Afar | None = None


def meet(
    connection: dict[str, Any], exchange: str, secret: str, course: str, submission: str
) -> None:
    """Turn to the student's kernel at `connection`; the one before is forgotten."""
    global _student
    part()
    _student = Afar(connection, Path(exchange))
    holdout = functools.partial(held_out, secret=secret, course=course)
    seed = f"{secret}\n{submission}"
    sessions.begin(Session(_student, _solution(), holdout, on_trial=True, seed=seed))


@functools.cache
def _solution() -> Party:
    """The source notebook; what it answers holds for every submission."""
    return Remembering(Here(sys.modules["__main__"].__dict__))


def part() -> None:
    """Let go of the student's kernel."""
    global _student
    sessions.end()
    if _student is not None:
        _student.close()
        _student = None


def rule(text: str, cell: str) -> str:
    """Run the hidden tests of a cell and say, as JSON, what they found."""
    return json.dumps(verdict_on(text, cell, sys.modules["__main__"].__dict__).to_dict())


def verdict_on(text: str, cell: str, source: dict[str, Any]) -> Verdict:
    """What the hidden tests find, run in a copy of the source notebook's namespace."""
    session = sessions.current()
    session.lost, session.reasons, session.notes = 0.0, [], []
    namespace = dict(source)
    try:
        exec(compile(text, f"<hidden tests of {cell}>", "exec"), namespace)
    except Lost as error:
        reason = f"The notebook's kernel was lost while this cell was checked: {error}."
        return Verdict.zero(reason, lost_kernel=True)
    except KeyboardInterrupt:
        return Verdict.zero("Checking this cell took too long and was stopped.")
    except HoldoutUnusable:
        raise
    except NoAnswer as error:
        return _verdict(session, 0.0, str(error))
    except AssertionError as error:
        return _verdict(session, 0.0, str(error) or "A hidden test of this cell failed.")
    except Exception as error:
        reason = f"This answer could not be checked ({type(error).__name__})."
        return Verdict(0.0, [reason], trouble=traceback.format_exc())
    return _verdict(session, max(0.0, 1.0 - session.lost))


def _verdict(session: Session, share: float, *reasons: str) -> Verdict:
    return Verdict(share, [*session.reasons, *reasons], session.notes)
