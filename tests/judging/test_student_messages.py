"""Whatever a kernel sends: is it a message nbclient and nbformat can live with, or refused?"""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from jupyter_client.session import Session
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete

from skipgrade.judging.grader.student_messages import LEFT_OUT, HostileMessageError, WarySession

PARENT = {"msg_id": "the-request", "msg_type": "execute_request", "date": "2026-01-01T00:00:00Z"}
KEY = b"shared with the kernel"


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


def sent(kind: str, content: Any, parent: Any = PARENT, **header: Any) -> list[bytes]:
    """What a kernel that knows the key puts on the wire."""
    kernel = Session(key=KEY)
    whole = kernel.msg_header(kind) | header
    parts = [*map(kernel.pack, (whole, parent, {})), json.dumps(content).encode()]
    return [kernel.sign(parts), *parts]


def processed(wire: list[bytes]) -> nbformat.NotebookNode:
    """The cell after nbclient has met the message: sound, and of this world."""
    message = WarySession(key=KEY).deserialize(wire)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", execution_count=None)])
    cell = nb.cells[0]
    cell.metadata.execution = {}
    client = NotebookClient(nb)
    client.clear_before_next_output = False  # as when it has begun a cell
    client.handle_comm_msg = lambda *given: None  # type: ignore[method-assign]  # as JudgedExecute
    try:
        client.process_message(message, cell, 0)
    except CellExecutionComplete:
        assert message["content"]["execution_state"] == "idle"
    nbformat.validate(nb)
    nbformat.writes(nb).encode("utf-8")
    return cell


SURROGATE = json.loads('"\\ud800"')
SHOWN: list[tuple[str, Any]] = [
    ("stream", {}),
    ("stream", {"name": "stdlog", "text": "a"}),
    ("stream", {"name": [], "text": "a"}),
    ("stream", {"name": "stdout", "text": 5}),
    ("stream", {"name": "stdout", "text": "a", "execution_count": "nonsense"}),
    ("display_data", {}),
    ("display_data", {"data": {"image/png": 5}, "metadata": {}}),
    ("display_data", {"data": {"image/png": None, "text/plain": [1]}, "metadata": {}}),
    ("display_data", {"data": [], "metadata": {}}),
    ("display_data", {"data": {"text/plain": "a"}, "metadata": 5}),
    ("display_data", {"data": {"text/plain": "a"}, "metadata": {}, "transient": 5}),
    ("display_data", {"data": {}, "metadata": {}, "transient": {"display_id": []}}),
    ("display_data", {"data": {"application/json": deep(900)}, "metadata": {}}),
    ("display_data", {"data": {}, "metadata": deep(900)}),
    ("execute_result", {"data": {"text/plain": "a"}, "metadata": {}, "execution_count": -1}),
    ("execute_result", {"data": {"text/plain": "a"}, "metadata": {}, "execution_count": True}),
    ("execute_result", {"data": {"text/plain": "a"}, "metadata": {}, "execution_count": 10**40}),
    ("execute_result", {"data": {"text/plain": "a"}, "metadata": {}}),
    ("update_display_data", {"data": 5, "transient": {"display_id": "x"}}),
    ("error", {}),
    ("error", {"ename": 5, "evalue": "", "traceback": []}),
    ("error", {"ename": "E", "evalue": "", "traceback": "text"}),
    ("error", {"ename": "E", "evalue": "", "traceback": [5]}),
    ("execute_input", {"code": 5, "execution_count": []}),
    ("clear_output", {"wait": []}),
    ("comm_open", {}),
    ("spam", {"eggs": 5}),
]


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_odd_outputs_do_no_harm(number: int) -> None:
    processed(sent(*SHOWN[number]))


def test_what_is_left_out_is_told() -> None:
    cell = processed(sent("display_data", {"data": {"image/png": 5}, "metadata": {}}))
    assert [output.text for output in cell.outputs] == [LEFT_OUT]


def test_what_no_file_can_hold_is_replaced() -> None:
    cell = processed(sent("stream", {"name": "stdout", "text": f"a {SURROGATE} ü"}))
    assert cell.outputs[0].text == "a ? ü"


def test_the_rest_of_a_bundle_is_kept() -> None:
    data = {"text/plain": "a", "image/png": 5, "application/vnd.x+json": {"a": [1]}}
    cell = processed(sent("display_data", {"data": data, "metadata": {}}))
    assert cell.outputs[0].data == {"text/plain": "a", "application/vnd.x+json": {"a": [1]}}


HONEST: list[tuple[str, Any]] = [
    ("stream", {"name": "stderr", "text": "größer\n"}),
    ("display_data", {"data": {"image/png": "iVBO"}, "metadata": {"image/png": {"width": 5}}}),
    ("execute_result", {"data": {"text/plain": "3"}, "metadata": {}, "execution_count": 7}),
    ("error", {"ename": "E", "evalue": "no", "traceback": ["\x1b[31mE"]}),
]


@pytest.mark.parametrize(("kind", "content"), HONEST)
def test_honest_outputs_are_what_they_were(kind: str, content: dict[str, Any]) -> None:
    (output,) = processed(sent(kind, content)).outputs
    assert output.output_type == kind
    assert {name: output[name] for name in content} == content


REFUSED: dict[str, list[bytes]] = {
    "nothing": [],
    "unsigned": [b"", *sent("stream", {})[1:]],
    "another's signature": [b"0" * 64, *sent("stream", {})[1:]],
    "too few parts": sent("stream", {})[:3],
    "content is a list": sent("stream", []),
    "parent is a list": sent("stream", {}, parent=[]),
    "parent has no sound name": sent("stream", {}, parent={"msg_id": []}),
    "type is a number": sent("stream", {}, msg_type=5),
    "version is a number": sent("stream", {}, version=5),
    "version of nothing": sent("stream", {}, version="x.y"),
    "date beyond all calendars": sent("stream", {}, date="9999-12-31T23:59:59-99:99"),
    "state without a state": sent("status", {}),
    "state in lists": sent("status", {"execution_state": []}),
    "reply without status": sent("execute_reply", {}),
    "reply with half an error": sent("execute_reply", {"status": "error", "ename": "E"}),
    "reply with odd answers": sent("execute_reply", {"status": "ok", "user_expressions": 5}),
    "reply with odd answer": sent("execute_reply", {"status": "ok", "user_expressions": {"a": 5}}),
    "reply in the depths": sent("execute_reply", {"status": "ok", "x": deep(200)}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_message_is_refused(name: str) -> None:
    with pytest.raises(HostileMessageError):
        WarySession(key=KEY).deserialize(REFUSED[name])


def test_json_deeper_than_the_stack_is_refused() -> None:
    kernel = Session(key=KEY)
    parts = [*sent("display_data", {})[1:4], b"[" * 100_000]
    with pytest.raises(HostileMessageError):
        WarySession(key=KEY).deserialize([kernel.sign(parts), *parts])


def test_parts_without_a_delimiter_are_refused() -> None:
    with pytest.raises(HostileMessageError):
        WarySession(key=KEY).feed_identities([b"a", b"b"])


@pytest.mark.parametrize(
    "content",
    [
        {"status": "ok", "user_expressions": {"answer": {"status": "ok"}}},
        {"status": "error", "ename": "E", "evalue": "no", "traceback": []},
        {"status": "aborted"},
    ],
)
def test_honest_replies_pass(content: dict[str, Any]) -> None:
    message = WarySession(key=KEY).deserialize(sent("execute_reply", content))
    assert message["content"] == content
