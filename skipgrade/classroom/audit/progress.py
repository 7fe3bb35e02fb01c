"""How far an audit is: one bar, where somebody watches."""

from __future__ import annotations

from types import TracebackType

from tqdm import tqdm

from skipgrade.classroom.terminal import say
from skipgrade.judging.printable import printable


class Bar:
    """The epochs of the student whose runs are being trained; lines stand above it."""

    def __init__(self, students: int) -> None:
        self._students, self._seen = students, dict[str, None]()
        self._bar = tqdm(unit="epoch", leave=False, disable=None)

    def __call__(self, student: str, done: int, due: int) -> None:
        if student not in self._seen:
            self._seen[student] = None
            told = f"{printable(student)} ({len(self._seen)} of {self._students})"
            self._bar.set_description(told)
        self._bar.total, self._bar.n = due, done
        self._bar.refresh()

    def line(self, text: str) -> None:
        with tqdm.external_write_mode():
            say(text)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
