"""One live bar a run: in a terminal, in Jupyter, and quiet in a log file."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol, Self

from tqdm.std import tqdm as text_bar


class Shown(Protocol):
    """What a run tells of itself while it trains."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def epoch(self, number: int, epochs: int) -> None: ...

    def step(self, loss: float | None) -> None: ...

    def line(self, text: str) -> None: ...


class Progress(Shown):
    """A bar over all steps of a run, and a line for each finished epoch."""

    def __init__(self, name: str, *, steps: int, done: int) -> None:
        self._name = name
        self._bar = _kind()(
            total=steps,
            initial=done,
            desc=name,
            unit="batch",
            file=sys.stdout,
            leave=False,
            dynamic_ncols=True,
            mininterval=0.5,
            disable=not (_in_notebook() or sys.stdout.isatty()),
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def epoch(self, number: int, epochs: int) -> None:
        self._bar.set_description(f"{self._name} epoch {number}/{epochs}", refresh=False)

    def step(self, loss: float | None) -> None:
        if loss is not None:
            self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update()

    def steps(self, count: int, state: str) -> None:
        """So many steps at once, and where they have led."""
        self._bar.set_postfix_str(state, refresh=False)
        self._bar.update(count)

    def line(self, text: str) -> None:
        self._bar.clear()
        print(text, flush=True)
        self._bar.refresh()


Show = Callable[..., Shown]
_show: ContextVar[Show] = ContextVar("show", default=Progress)


def show(name: str, *, steps: int, done: int) -> Shown:
    """The progress of a run of which so many `steps` are `done`, as a bar or as `shown_by` says."""
    return _show.get()(name, steps=steps, done=done)


@contextmanager
def shown_by(other: Show) -> Iterator[None]:
    """Runs that train in here show their progress so."""
    before = _show.set(other)
    try:
        yield
    finally:
        _show.reset(before)


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell else None
    return found is not None and hasattr(found, "kernel")


def _kind() -> Any:
    """tqdm.auto warns on stderr when ipywidgets is missing; the text bar does as well there."""
    if _in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as widget_bar

        return widget_bar
    return text_bar
