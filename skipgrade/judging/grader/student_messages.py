"""[grader] What the student's kernel sends, made sound as it is decoded.

nbclient and jupyter_client believe a kernel: a missing field is a KeyError somewhere in them, an
output nbformat does not know fails when the notebook is written. Here, and nowhere later, a message
is looked at: one that is none is a `HostileMessageError`, an output that is none is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_client.session import Session

DEEPEST = 50
LEFT_OUT = "[An output that a notebook cannot hold was left out.]\n"
# All that decoding a student's bytes can raise: in json, dateutil and jupyter_client's adapters.
UNDECODABLE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip


class HostileMessageError(ValueError):
    """The kernel sent what no Jupyter kernel sends."""


class WarySession(Session):
    """jupyter_client's session, for a kernel that may send anything."""

    def feed_identities(self, msg_list: Any, copy: bool = True) -> Any:
        try:
            return super().feed_identities(msg_list, copy)
        except UNDECODABLE as error:
            raise HostileMessageError("a message without its parts") from error

    def deserialize(self, msg_list: Any, content: bool = True, copy: bool = True) -> dict[str, Any]:
        try:
            message = super().deserialize(msg_list, content, copy)
        except UNDECODABLE as error:
            raise HostileMessageError(f"no message ({type(error).__name__})") from error
        return sound(message) if content else message


def sound(message: dict[str, Any]) -> dict[str, Any]:
    """The same message, of the form nbclient relies on; else `HostileMessageError`."""
    for part in ("header", "parent_header", "metadata", "content"):
        _demand(isinstance(message[part], dict), f"its {part} is not a dictionary")
    kind = message["msg_type"]
    _demand(isinstance(kind, str), "its type is not text")
    _demand(isinstance(message["parent_header"].get("msg_id", ""), str), "it answers no message")
    try:
        content = _clean(message["content"])
    except _TooDeepError:
        _demand(kind in OUTPUTS, "it is nested too deep")
        return _left_out(message)
    if "execution_count" in content:
        content["execution_count"] = _count(content["execution_count"])
    if kind in OUTPUTS and not OUTPUTS[kind](content):
        return _left_out(message)
    if kind in REPLIES:
        _demand(REPLIES[kind](content), f"a {kind} without its fields")
    message["content"] = content
    return message


class _TooDeepError(Exception):
    """There are more lists in lists than anybody shows."""


def _demand(held: bool, told: str) -> None:
    if not held:
        raise HostileMessageError(told)


def _left_out(message: dict[str, Any]) -> dict[str, Any]:
    """A note in the place of an output."""
    message["msg_type"] = message["header"]["msg_type"] = "stream"
    message["content"] = {"name": "stdout", "text": LEFT_OUT}
    return message


def _clean(value: Any, depth: int = 0) -> Any:
    """Plain data that a file in UTF-8 can hold."""
    if depth > DEEPEST:
        raise _TooDeepError
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_clean(part, depth + 1) for part in value]
    return value


def _count(value: Any) -> int | None:
    """The number of a cell, as nbformat knows it."""
    return value if type(value) is int and 0 <= value < 2**31 else None


# Outputs: whether a notebook can hold one. What a bundle has too much is taken out of it. --------


def _stream(content: dict[str, Any]) -> bool:
    return content.get("name") in ("stdout", "stderr") and isinstance(content.get("text"), str)


def _error(content: dict[str, Any]) -> bool:
    return _texts(content, "ename", "evalue") and _is_lines(content.get("traceback"))


def _bundle(content: dict[str, Any]) -> bool:
    transient = content.setdefault("transient", {})
    if not isinstance(transient, dict) or not isinstance(transient.get("display_id", ""), str):
        return False
    data, metadata = content.get("data"), content.get("metadata")
    if not isinstance(data, dict) or not isinstance(metadata, dict):
        return False
    content["data"] = {kind: part for kind, part in data.items() if _fits(kind, part)}
    content.setdefault("execution_count", None)
    return bool(content["data"]) or not data


def _fits(kind: str, part: Any) -> bool:
    if isinstance(part, str) or _is_lines(part):
        return True
    return kind.startswith("application/") and kind.endswith("json")


def _texts(content: dict[str, Any], *names: str) -> bool:
    return all(isinstance(content.get(name), str) for name in names)


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


# Replies and states: whether nbclient and nbgrader find in one what they look for. --------------


def _status(content: dict[str, Any]) -> bool:
    return _texts(content, "execution_state")


def _execute_reply(content: dict[str, Any]) -> bool:
    answers = content.get("user_expressions", {})
    if not isinstance(answers, dict) or not all(isinstance(one, dict) for one in answers.values()):
        return False
    return _texts(content, "status") and (content["status"] != "error" or _error(content))


OUTPUTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "stream": _stream,
    "error": _error,
    "display_data": _bundle,
    "execute_result": _bundle,
    "update_display_data": _bundle,
}
REPLIES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "status": _status,
    "execute_reply": _execute_reply,
}
