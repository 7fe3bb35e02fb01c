"""ipykernel, jupyter_client and IPython: do kernels still do what ours rely on?"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import importlib
import inspect
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import zmq
from ipykernel.compiler import get_file_name
from ipykernel.iostream import IOPubThread
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets.config import Config

from skipgrade.judging.grader.preload import PACKAGES
from skipgrade.judging.grader.recovery import WARM_UP
from skipgrade.judging.grader.student_messages import HostileMessageError, WarySession
from skipgrade.judging.student_side import _is_notebook
from skipgrade.sandbox import async_kernel_manager, kernel_manager
from skipgrade.sandbox.kernels import MESSAGE_LIMIT, MESSAGES
from tests.sandbox.spoken import Kernel

# Bodies of which sandbox/kernel_app.py has its own version, as they were when that was written.
COPIED: list[tuple[Callable[..., Any], str]] = [
    (IPKernelApp.init_iopub, "18b66fa39947"),
    (IOPubThread._setup_pipe_in, "e0a3d02b57ce"),
    (IOPubThread._setup_pipe_out, "3d1f2ecf5473"),
    (IOPubThread._handle_pipe_msg, "aeacb388eb24"),
]
FORKS = """
import os, sys
from multiprocessing import Pool
def tell(number):
    print(f"pool {number}", flush=True)
with Pool(2) as pool:
    pool.map(tell, [1, 2])
if os.fork() == 0:
    print("child", flush=True)
    print("trouble", file=sys.stderr, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A student's kernel with no packages imported."""
    config = Config(SandboxProvisioner={"accept_missing": ["files", "network", "calls", "limits"]})
    running = Kernel(kernel_manager("student", config=config), tmp_path_factory.mktemp("work"))
    yield running
    running.close()


@pytest.mark.parametrize("body", COPIED, ids=lambda body: body[0].__qualname__)
def test_what_was_copied_from_ipykernel_is_as_it_was(body: tuple[Callable[..., Any], str]) -> None:
    function, known = body
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    now = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]
    assert now == known, (
        f"ipykernel's {function.__qualname__} is no longer what sandbox/kernel_app.py is modelled "
        f"on: compare the two, then write {now} here, or narrow the bound in pyproject.toml"
    )


def test_output_of_forked_children_arrives(kernel: Kernel) -> None:
    """ipykernel's IOPubThread takes it over a pipe that sandbox/kernel_app.py replaces."""
    message = kernel.client.execute(FORKS)
    wanted, heard = {"pool 1", "pool 2", "child", "trouble"}, ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(word in heard for word in wanted):
        try:
            told = kernel.client.get_iopub_msg(timeout=1)
        except Empty:
            continue
        if told["msg_type"] == "stream" and told["parent_header"].get("msg_id") == message:
            heard += told["content"]["text"]
    lost = [word for word in wanted if word not in heard]
    assert not lost, f"output of forked children (data loaders, pools) is lost: {lost}"


def test_answers_of_any_length_come_whole(kernel: Kernel) -> None:
    """grader/judge_kernel.py and judge/answerers.py read a text back from its repr in
    `user_expressions`; IPython's printer shortens long lists and dictionaries, not texts."""
    found = kernel.run("long = 'a\\n' * 1_000_000", "long")
    assert found == "a\n" * 1_000_000


def test_a_kernel_is_not_told_whose_child_it_would_be(kernel: Kernel) -> None:
    """jupyter_client's launcher sets JPY_PARENT_PID, by which a kernel ends itself."""
    assert kernel.run("import os; told = 'JPY_PARENT_PID' in os.environ", "told") is False


def test_what_is_to_be_done_at_the_end_is_done(tmp_path: Path) -> None:
    """sandbox/start_kernel.py ends a fork by `os._exit`; `atexit._run_exitfuncs` comes before."""
    running = Kernel(kernel_manager("judge"), tmp_path)
    running.run(
        "import atexit, pathlib\natexit.register(pathlib.Path('ended').write_text, 'x'); ok = True",
        "ok",
    )
    running.client.stop_channels()
    running.manager.shutdown_kernel(now=False)
    assert (tmp_path / "ended").is_file()


@pytest.mark.parametrize("make", [kernel_manager, async_kernel_manager])
def test_every_channel_has_its_limits(make: Callable[[str], Any]) -> None:
    """sandbox/kernels sets them on the context that a manager's clients share, before
    jupyter_client makes a socket of it."""
    manager = make("student")
    manager.write_connection_file()
    client = manager.client()
    try:
        for name in ("shell", "iopub", "control", "stdin"):
            socket = getattr(client, f"{name}_channel").socket
            assert socket.getsockopt(zmq.MAXMSGSIZE) == MESSAGE_LIMIT, name
            assert socket.getsockopt(zmq.RCVHWM) == MESSAGES, name
    finally:
        client.stop_channels()


def test_what_comes_in_is_decoded_by_the_session() -> None:
    """grader/student_messages.py looks at messages where jupyter_client's channels decode them."""

    async def hear() -> None:
        context = zmq.asyncio.Context()
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        try:
            ours.bind("inproc://ours")
            theirs.connect("inproc://ours")
            channel = AsyncZMQSocketChannel(ours, WarySession())
            await theirs.send_multipart([b"no", b"message"])
            with pytest.raises(HostileMessageError):
                await channel.get_msg(timeout=30)
        finally:
            context.destroy(linger=0)

    asyncio.run(hear())


def test_a_cell_is_known_by_the_name_of_its_file() -> None:
    """judging/student_side.py passes on what libraries say, not what a notebook's code does."""
    assert _is_notebook(get_file_name("1 / 0")), "ipykernel names the files of cells otherwise"


@pytest.mark.parametrize("name", PACKAGES)
def test_what_kernels_have_imported_can_be(name: str) -> None:
    """A zygote only prints what it cannot import: every kernel would start slowly."""
    module, _, function = name.partition(":")
    imported = importlib.import_module(module)
    assert not function or callable(getattr(imported, function))


def test_what_is_run_before_the_clock_starts_can_be() -> None:
    eval(WARM_UP)
