"""[judge's kernel] Asking the student, with every way of not answering turned into a reason."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection
from typing import Any

from skipgrade.judging.checks.causes import why_not
from skipgrade.judging.judge.answerers import (
    QUESTION_TIMEOUT_S,
    NotebookCodeError,
    QuestionTimeoutError,
)
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import NoAnswerError, message
from skipgrade.judging.wire.messages import BadMessageError


def ask_student(
    trial: Trial,
    expected: str,
    hint: str,
    kind: str,
    *,
    seconds: float = QUESTION_TIMEOUT_S,
    **request: Any,
) -> Any:
    """The student's answer, or `NoAnswerError` with a message that says why there is none."""
    try:
        return trial.student.ask(kind, seconds=seconds, **request)
    except NotebookCodeError as error:
        got, known = why_not(error, trial.stopped)
        raise NoAnswerError(message(expected, got, hint if known is None else known)) from error
    except QuestionTimeoutError as error:
        raise NoAnswerError(message(expected, str(error), "a loop that does not end?")) from error
    except BadMessageError as error:
        raise NoAnswerError(message(expected, str(error), hint)) from error


def value_of(expression: str, arrays: Collection[str] = ()) -> str:
    """That something has a value, in words that do not show what it is asked with."""
    if expression.isidentifier():
        return f"a value for `{expression}`"
    called = re.findall(r"(?<![\w.])([A-Za-z_]\w*)\(", expression)
    names = [
        name for name in dict.fromkeys(called) if name not in dir(builtins) and name not in arrays
    ]
    return f"a value from `{names[0]}`" if names else "a value from the notebook"


def brief(value: Any, limit: int = 80) -> str:
    """A value as one shows it in a message."""
    from torch import Tensor

    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


__all__ = ["NoAnswerError", "ask_student", "brief", "value_of"]
