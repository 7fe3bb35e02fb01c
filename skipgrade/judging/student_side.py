"""[student's kernel] The student's side of a question; it is believed nothing.

The judge asks the kernel, with Jupyter's own `execute_request`, to evaluate `answer("...")`; the
text it returns comes back in the reply.
"""

from __future__ import annotations

import difflib
import linecache
import traceback
from typing import Any

import torch

from skipgrade.judging.questions import QUESTIONS
from skipgrade.judging.wire.codec import NotPlainDataError
from skipgrade.judging.wire.messages import pack, unpack

LIBRARY_MESSAGES = {"NameError", "AttributeError", "NotImplementedError", "ImportError"}


def answer(question: str) -> str:
    """The answer to a question, from the notebook this kernel runs."""
    import IPython

    shell: Any = IPython.get_ipython()
    try:
        return pack(reply(unpack(question), shell.user_ns))
    except NotPlainDataError as error:
        return pack(not_plain(error))


def reply(question: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """The value asked for, or what went wrong in the words of the exception."""
    ask = QUESTIONS[question["kind"]]
    try:
        with torch.enable_grad():  # whatever the notebook's code switched off, here or before
            return {"value": ask(namespace, **question["request"])}
    except NotPlainDataError as error:
        return not_plain(error)
    except Exception as error:
        return {"error": {**describe(error), "near": _near(error, namespace)}}


def not_plain(error: NotPlainDataError) -> dict[str, Any]:
    """The reply in the place of one that cannot be sent."""
    return {"error": {"type": "NotPlain", "message": str(error), "line": ""}}


def describe(error: Exception) -> dict[str, str]:
    """An exception as the student should see it: what, and which line of the notebook.

    The message is passed on only when a library wrote it. What the notebook's own code raises
    could say anything, for example the arguments it was called with.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_notebook(frame.filename)]
    innermost_is_own = bool(frames) and _is_notebook(frames[-1].filename)
    name = type(error).__name__
    quiet = innermost_is_own and name not in LIBRARY_MESSAGES
    line = linecache.getline(own[-1].filename, own[-1].lineno or 0) if own else ""
    return {"type": name, "message": "" if quiet else str(error), "line": line.strip()}


def _near(error: Exception, namespace: dict[str, Any]) -> str:
    """The notebook's name that looks most like the one a NameError misses."""
    missing = getattr(error, "name", None) if isinstance(error, NameError) else None
    if not isinstance(missing, str):
        return ""
    known = {name.lower(): name for name in namespace if name[:1] != "_"}
    found = difflib.get_close_matches(missing.lower(), known, 1, 0.75)
    return known[found[0]] if found else ""


def _is_notebook(filename: str) -> bool:
    return "ipykernel_" in filename or filename.startswith(("<ipython-input", "<notebook"))
