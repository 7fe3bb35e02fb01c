"""A headless Chromium for which the whole internet is a socket that writes down who comes."""

import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next((found for name in NAMES if (found := shutil.which(name))), None)
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --hide-scrollbars "
    "--disable-dev-shm-usage --window-size=1100,6000 --virtual-time-budget=10000"
)
QUIET = _FLAGS.split()


class _Site(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    do_PUT = do_POST

    def log_message(self, *arguments: object) -> None:
        """The test reads `asked`."""


@dataclass
class Seen:
    """The page after its scripts ran, and what it asked for: here, and anywhere else."""

    dom: str = ""
    asked: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def links(self) -> list[str]:
        return re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', self.dom)


@contextmanager
def _elsewhere(heard: list[str]) -> Iterator[int]:
    """A port that takes every connection and keeps its first bytes (of TLS, with the name)."""
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                heard.append(connection.recv(4096).decode("latin-1"))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@contextmanager
def _served(folder: Path, asked: list[str]) -> Iterator[int]:
    handler = type("Site", (_Site,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def look_at(folder: Path, page: str, picture: Path | None = None) -> Seen:
    """Open a page of a folder that is served as a site; keep a picture where asked for one."""
    assert PROGRAM is not None
    seen = Seen()
    with (
        _elsewhere(seen.elsewhere) as hole,
        _served(folder, seen.asked) as port,
        tempfile.TemporaryDirectory() as home,
    ):
        command = [
            PROGRAM,
            *QUIET,
            f"--user-data-dir={home}",
            f"--host-resolver-rules=MAP * 127.0.0.1:{hole}, EXCLUDE 127.0.0.1",
        ]
        address = f"http://127.0.0.1:{port}/{page}"
        seen.dom = _run([*command, "--dump-dom", address])
        if picture is not None:
            _run([*command, f"--screenshot={picture}", address])
    return seen


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
