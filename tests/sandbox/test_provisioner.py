"""What a student's kernel is given, and what it leaves behind."""

from __future__ import annotations

import ast
import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from skipgrade.sandbox import async_kernel_manager, kernel_manager
from skipgrade.sandbox.client import PromptClient
from skipgrade.sandbox.provisioner import clean_environment

ASK = """{
    "environment": dict(__import__("os").environ),
    "data limit": __import__("resource").getrlimit(__import__("resource").RLIMIT_DATA)[0],
    "connection": __import__("ipykernel.connect", fromlist=["x"]).get_connection_file(),
    "history": (get_ipython().history_manager.enabled, In[1]),
}"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What code in a student's kernel sees of where it runs, and what is there afterwards."""
    return look_around("student", tmp_path_factory.mktemp("work"))


def look_around(kernel: str, folder: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_PASSWORD", "hush")
        patch.setenv("SKIPGRADE_DATASET", "builtin")
        manager = kernel_manager(kernel)
        manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels(iopub=False, stdin=False, hb=False)
    try:
        client.execute("'first'")
        message = client.execute("", silent=True, user_expressions={"seen": f"repr({ASK})"})
        reply = client.get_shell_msg(timeout=60)
        while reply["parent_header"].get("msg_id") != message:
            reply = client.get_shell_msg(timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    text = reply["content"]["user_expressions"]["seen"]["data"]["text/plain"]
    found: dict[str, Any] = ast.literal_eval(ast.literal_eval(text))
    found["transport"] = manager.transport
    del manager, client
    gc.collect()
    return found


def test_secrets_stay_outside(seen: dict[str, Any]) -> None:
    assert "DATABASE_PASSWORD" not in seen["environment"]
    assert seen["environment"]["SKIPGRADE_DATASET"] == "builtin"


def test_memory_is_limited(seen: dict[str, Any]) -> None:
    assert 8 * 2**30 < seen["data limit"] < 12 * 2**30  # and what the packages hold


def test_channels_are_no_network_ports(seen: dict[str, Any]) -> None:
    assert seen["transport"] == "ipc"


def test_nothing_is_left_behind(seen: dict[str, Any]) -> None:
    assert not Path(seen["environment"]["IPYTHONDIR"]).exists()
    assert not Path(seen["connection"]).parent.exists()


def test_it_remembers_its_own_session_and_no_other(seen: dict[str, Any]) -> None:
    assert seen["history"] == (False, "'first'")


def test_the_source_does_not_enter_the_history_of_whoever_grades(tmp_path: Path) -> None:
    assert look_around("judge", tmp_path)["history"] == (False, "'first'")


def test_a_client_is_ready_with_nothing_left_to_read(tmp_path: Path) -> None:
    async def first_messages() -> tuple[Any, str, list[str]]:
        manager = async_kernel_manager("judge")
        await manager.start_kernel(cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(60)
            asked = client.execute("")
            reply = await client.get_shell_msg(timeout=60)
            told = await client.get_iopub_msg(timeout=60)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
        return client, asked, [m["parent_header"]["msg_id"] for m in (reply, told)]

    client, asked, answered = asyncio.run(first_messages())
    assert isinstance(client, PromptClient), "jupyter_client's own waits for 0.2 s of silence"
    assert answered == [asked, asked]


def test_unknown_variables_are_not_passed_on() -> None:
    environment = {"PATH": "/bin", "AWS_SECRET": "x", "LC_ALL": "C", "HTTP_PROXY": "p"}
    assert clean_environment(environment) == {"PATH": "/bin", "LC_ALL": "C"}
