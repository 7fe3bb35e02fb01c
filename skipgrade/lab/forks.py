"""Jobs done in processes forked from this one, a few at a time.

Forked, since what a notebook defines lives in `__main__`, where a process that starts from nothing
cannot import it. Each job runs in a new thread of its process: a fork of a process that has
computed on several threads would wait forever for those that it does not have, but a new thread
starts its own.
"""

import io
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, Protocol

import torch

Send = Callable[[Any], None]
Job = Callable[[Send], None]
SECONDS_BETWEEN_LOOKS = 0.5  # at the process that forked this one: is it still there?


def possible() -> bool:
    """Whether a fork can go on computing: not where a GPU is in use, and not outside Linux."""
    return sys.platform == "linux" and not torch.cuda.is_available()


class Listener(Protocol):
    def heard(self, job: int, message: Any) -> None: ...

    def ended(self, job: int, status: int) -> None: ...


def run(jobs: Sequence[Job], *, at_once: int, threads: int, listener: Listener) -> None:
    """Run each job in a process of its own, which computes on so many threads.

    The listener hears what a job sends, and as text what it prints. When this call is ended early,
    by Ctrl-C or by an error, so are the processes.
    """
    waiting = deque(enumerate(jobs))
    running: dict[Any, tuple[int, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, job = waiting.popleft()
                here, process = _start(job, threads)
                running[here] = number, process
            for ready in wait(list(running)):
                wire: Any = ready
                number, process = running[wire]
                try:
                    message = wire.recv()
                except (EOFError, OSError):  # it has ended, perhaps in the middle of a word
                    del running[wire]
                    listener.ended(number, _end(wire, process))
                else:
                    listener.heard(number, message)
    finally:
        for _, process in running.values():
            process.kill()
        for wire, (_, process) in running.items():
            _end(wire, process)


def _start(job: Job, threads: int) -> tuple[Connection, BaseProcess]:
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_process, args=(job, there, threads))
    with warnings.catch_warnings():  # of what the thread of its own is there for
        warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
        process.start()
    there.close()
    return here, process


def _end(wire: Any, process: BaseProcess) -> int:
    wire.close()
    process.join()
    status = process.exitcode or 0
    process.close()
    return status


def _process(job: Job, wire: Connection, threads: int) -> None:
    """The forked process: it ends with its job, or with the process that wanted it done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever forked it hears Ctrl-C, and ends it
    worker = Thread(target=_work, args=(job, wire, threads), daemon=True)
    worker.start()
    parent: Any = parent_process()
    while worker.is_alive():
        worker.join(SECONDS_BETWEEN_LOOKS)
        if not parent.is_alive():
            os._exit(1)


def _work(job: Job, wire: Connection, threads: int) -> None:
    torch.set_num_threads(threads)
    said = Said(wire.send)
    with redirect_stdout(said), redirect_stderr(said):
        job(wire.send)
    said.end()


class Said(io.TextIOBase):
    """Sends on what is printed, line by line."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun = send, ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._send("\n".join(lines))
        return len(text)

    def end(self) -> None:
        if self._begun:
            self._send(self._begun)
