"""Formgrader as a person meets it: nbgrader's server extension, in a headless Chromium's tab."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from websocket import WebSocket, create_connection

from .browser import PROGRAM

# nbconvert's pages load it from a server that no test reaches.
MATHJAX = (
    "window.MathJax = {Hub: {Startup: {signal: {Interest() {}}}, Config() {}, Queue() {},"
    " Typeset() {}}}"
)
PATIENCE = 120  # seconds until something is taken to be broken
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str) -> T:
    for _ in range(10 * PATIENCE):
        if (value := found()) is not None:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


@contextmanager
def served(course: Path) -> Iterator[str]:
    """Jupyter's server with nbgrader's extensions, as `make lab` starts it; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    options = {"port": port, "token": "", "password": "", "root_dir": course, "open_browser": False}
    with tempfile.TemporaryDirectory() as home:
        beside = str(Path(sys.executable).parent)
        places = {"HOME": home, "JUPYTER_RUNTIME_DIR": home, "JUPYTER_CONFIG_DIR": home}
        environment = os.environ | places | {"PATH": beside + os.pathsep + os.environ["PATH"]}
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--allow-root"]
            + [f"--ServerApp.{name}={value}" for name, value in options.items()],
            cwd=course, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _answers(f"{address}/api"), "Jupyter's server")
            yield address
        finally:
            server.terminate()
            server.wait(30)


def _answers(address: str) -> bytes | None:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


class Tab:
    """A page in Chromium, by its DevTools protocol."""

    def __init__(self, connection: WebSocket) -> None:
        self._connection, self._sent = connection, 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        call = {"id": self._sent, "method": method, "params": parameters}
        self._connection.send(json.dumps(call))
        while (told := json.loads(self._connection.recv())).get("id") != self._sent:
            pass  # an event
        assert "error" not in told, told
        return dict(told["result"])

    def value(self, expression: str) -> Any:
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, expression: str) -> None:
        until(lambda: self.value(f"!!({expression})") or None, expression)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.wait(f"location.href.startsWith({address!r}) && document.readyState === 'complete'")

    def click(self, selector: str) -> None:
        """As a person does: where it is on the screen."""
        box = self.value(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            " one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                clickCount=1,
            )  # fmt: skip

    def type(self, selector: str, text: str) -> None:
        """Into a field, and out of it again."""
        self.click(selector)
        self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)

    def picture(self, path: Path) -> None:
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))


@contextmanager
def tab(width: int = 1100, height: int = 1000) -> Iterator[Tab]:
    """An empty page in a browser of its own."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        options = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking",
            "--remote-debugging-port=0", f"--user-data-dir={home}",
            f"--window-size={width},{height}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]  # fmt: skip
        chromium = subprocess.Popen(
            [PROGRAM, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            port = until(lambda: _port(Path(home)), "Chromium").split()[0]
            pages = json.loads(until(lambda: _answers(f"http://127.0.0.1:{port}/json"), "a tab"))
            (shown,) = (one for one in pages if one["type"] == "page")
            connection = create_connection(
                shown["webSocketDebuggerUrl"], timeout=PATIENCE, suppress_origin=True
            )
            page = Tab(connection)
            page.call("Page.enable")
            page.call("Page.addScriptToEvaluateOnNewDocument", source=MATHJAX)
            yield page
            connection.close()
        finally:
            chromium.terminate()
            chromium.wait(30)


def _port(home: Path) -> str | None:
    told = home / "DevToolsActivePort"
    return (told.read_text() or None) if told.is_file() else None


def grade(address: str, submission: str, cell: str, points: str, comment: str) -> None:
    """Points and words for a cell of a submission (nbgrader's number for it), typed and saved."""
    with tab() as page:
        page.open(f"{address}/formgrader/submissions/{submission}/")
        page.wait("formgrader.grades.loaded && formgrader.comments.loaded")
        saved = "window.saved = 0; $(document).on('finished_saving', () => window.saved++); 1"
        page.value(saved)
        page.type(f"#{cell}", points)
        page.wait("window.saved === 1")
        page.type(f"#{cell}-comment", comment)
        page.wait("window.saved === 2")
