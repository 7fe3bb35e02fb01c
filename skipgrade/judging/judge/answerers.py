"""[judge's kernel] The two sources of answers: the student's kernel (remote), and a namespace in
this process.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from queue import Empty
from typing import Any, cast

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import KernelConnectionInfo

from skipgrade.judging import student_side
from skipgrade.judging.printable import presentable
from skipgrade.judging.wire.codec import NotPlainDataError, decode, encode
from skipgrade.judging.wire.messages import (
    LIMIT,
    MEBIBYTE,
    BadMessageError,
    pack,
    plain,
    unpack,
)

QUESTION_TIMEOUT_S = 30.0
INTERRUPT_TIMEOUT_S = 5.0
REPLY_LIMIT = LIMIT + MEBIBYTE
ERROR_FIELDS = ("type", "message", "line", "near")
ANSWER = "__import__('skipgrade.judging.student_side', fromlist=['answer']).answer"


class NotebookCodeError(Exception):
    """The question was asked, and the code that was to answer it raised an exception."""

    def __init__(self, kind: str, message: str, line: str, near: str = "") -> None:
        self.kind, self.message, self.line = kind, message, line
        self.near = near  # a name the notebook has that looks like one it lacks
        super().__init__(f"{kind}: {message}" if message else kind)


class KernelLostError(Exception):
    """The student's kernel died or no longer reacts; it must be restarted before the next cell."""


class QuestionTimeoutError(Exception):
    """No answer within the time limit; the kernel was interrupted and is well."""


class Answerer(ABC):
    """Someone who has a notebook in memory and answers questions about it."""

    @abstractmethod
    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        """The plain value that answers the question `kind` of `skipgrade.judging.questions`."""

    def eval(self, expression: str, **arrays: Any) -> Any:
        """The value of an expression, as plain data."""
        return self.ask("value", expression=expression, arrays=arrays)


def _unwrap(reply: Any) -> Any:
    if isinstance(reply, dict) and set(reply) == {"value"}:
        return reply["value"]
    if isinstance(reply, dict) and set(reply) == {"error"} and isinstance(reply["error"], dict):
        told = {key: presentable(reply["error"].get(key)) for key in ERROR_FIELDS}
        near = told["near"] if told["near"].isidentifier() else ""  # a name, and no more words
        raise NotebookCodeError(told["type"] or "Exception", told["message"], told["line"], near)
    raise BadMessageError("a malformed answer")


def _text_in(content: Any) -> str:
    """What `student_side.answer` returned, in the reply to the request that called it."""
    try:
        outcome = content["user_expressions"]["answer"]
        if content["status"] == outcome["status"] == "ok":
            shown = outcome["data"]["text/plain"]
            return str(shown).strip("'\"")
        problem = outcome["ename"]
    except (KeyError, TypeError) as error:
        raise BadMessageError("a reply that is not a Jupyter message") from error
    raise BadMessageError(f"{presentable(problem)} where the notebook's kernel was to answer")


class LocalNotebook(Answerer):
    """A notebook in this very process: the solution, or the notebook one is working in."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        question = decode(*encode({"kind": kind, "request": request}))
        try:
            reply = plain(student_side.reply(question, self.namespace))
        except NotPlainDataError as error:
            reply = student_side.not_plain(error)
        return _unwrap(reply)


class RemoteNotebook(Answerer):
    """The notebook in the student's kernel, reached by a second Jupyter client."""

    def __init__(self, connection: dict[str, Any]) -> None:
        context = zmq.Context()
        context.setsockopt(zmq.MAXMSGSIZE, REPLY_LIMIT)
        context.setsockopt(zmq.LINGER, 0)
        self._context = context
        self._client = BlockingKernelClient(context=context)
        self._client.load_connection_info(cast(KernelConnectionInfo, connection))
        self._client.start_channels(iopub=False, stdin=False, hb=False)

    def close(self) -> None:
        self._client.stop_channels()
        self._context.destroy(linger=0)

    def ask(self, kind: str, *, seconds: float = QUESTION_TIMEOUT_S, **request: Any) -> Any:
        question = pack({"kind": kind, "request": request})
        return _unwrap(unpack(self._answer_to(question, seconds)))

    def _answer_to(self, question: str, seconds: float) -> str:
        source = f"{ANSWER}('{question}')"
        message = self._client.execute(
            "", silent=True, store_history=False, allow_stdin=False,
            user_expressions={"answer": source},
        )  # fmt: skip
        reply = self._reply_to(message, seconds)
        if reply is None:
            self._interrupt()
            if self._reply_to(message, INTERRUPT_TIMEOUT_S) is None:
                raise KernelLostError("it no longer reacts")
            raise QuestionTimeoutError(f"no answer within {seconds:g} s")
        return _text_in(reply.get("content"))

    def _reply_to(self, message: str, seconds: float) -> dict[str, Any] | None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                reply = self._client.get_shell_msg(timeout=min(left, 1.0))
            except Empty:
                continue
            except (ValueError, TypeError, KeyError) as error:
                raise BadMessageError("a reply that is not a Jupyter message") from error
            if reply.get("parent_header", {}).get("msg_id") == message:
                return reply
        return None

    def _interrupt(self) -> None:
        message = self._client.session.msg("interrupt_request", content={})
        self._client.control_channel.send(message)
