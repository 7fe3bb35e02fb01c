"""Many questions, each in a process forked for it, some at a time.

A fork has everything the parent has run, and what it breaks goes with it. Its time is processor
time, so that a busy machine stops nobody; what waits for nothing at all is stopped as well, later.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

PATIENCE = 20  # seconds by the clock for each of processor time

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass
class _Running(Generic[Question]):
    question: Question
    process: ForkProcess
    deadline: float


def answers(
    questions: Sequence[Question],
    answer: Callable[[Question], Answer],
    *,
    workers: int,
    seconds: float,
) -> Iterator[tuple[Question, Answer | str]]:
    """Each question with its answer, as they come; in place of one, what stopped it."""
    waiting = list(reversed(questions))
    running: dict[Connection, _Running[Question]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                connection, one = _start(waiting.pop(), answer, seconds)
                running[connection] = one
            soonest = min(one.deadline for one in running.values())
            ready = wait(list(running), timeout=max(0.0, soonest - time.monotonic()))
            for connection in [c for c in running if c in ready or _late(running[c])]:
                one = running.pop(connection)
                yield one.question, _end(connection, one)
    finally:
        for one in running.values():
            one.process.kill()
            one.process.join()


def _late(one: _Running[Question]) -> bool:
    return time.monotonic() > one.deadline


def _start(
    question: Question, answer: Callable[[Question], Answer], seconds: float
) -> tuple[Connection, _Running[Question]]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, answer, question, seconds), daemon=True)
    process.start()
    theirs.close()
    return ours, _Running(question, process, time.monotonic() + PATIENCE * seconds)


def _work(
    connection: Connection, answer: Callable[[Question], Answer], question: Question, seconds: float
) -> None:
    import resource  # there is none where there is no fork

    used = time.process_time()
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (round(used + seconds), most))
    connection.send(answer(question))


def _end(connection: Connection, one: _Running[Question]) -> Answer | str:
    """Its answer, if there is one; the process is gone afterwards."""
    late = _late(one)
    try:
        found = connection.recv() if connection.poll() else None
    except EOFError:
        found = None
    connection.close()
    if late:
        one.process.kill()
    one.process.join()
    if found is not None:
        return found
    late = late or one.process.exitcode == -signal.SIGXCPU
    return "took too long" if late else "crashed"
