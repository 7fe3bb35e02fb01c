"""[judge's kernel] Asking the student, with every way of not answering turned into a reason."""

from __future__ import annotations

from typing import Any

from skipgrade.judging.judge.answerers import (
    QUESTION_TIMEOUT_S,
    NotebookCodeError,
    QuestionTimeoutError,
)
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import NoAnswerError, message
from skipgrade.judging.wire.messages import BadMessageError

HINTS = {
    "NotImplementedError": "this part is still the stub the notebook came with.",
    "NameError": "a name this part asks for; is it defined, and spelled as the text says?",
}


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
        got = f"{error.kind}: {error.message}" if error.message else error.kind
        if error.line:
            got += f" (at the line: {error.line})"
        raise NoAnswerError(message(expected, got, HINTS.get(error.kind, hint))) from error
    except QuestionTimeoutError as error:
        raise NoAnswerError(message(expected, str(error), "a loop that does not end?")) from error
    except BadMessageError as error:
        raise NoAnswerError(message(expected, str(error), hint)) from error


def brief(value: Any, limit: int = 80) -> str:
    """A value as one shows it in a message."""
    from torch import Tensor

    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


__all__ = ["NoAnswerError", "ask_student", "brief"]
