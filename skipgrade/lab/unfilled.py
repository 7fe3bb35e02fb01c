"""What is not filled in yet: said in these words, and no reason to stop a Run All in an extra."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType

from skipgrade.lab.machine import autograding

SAYS = "not filled in yet"  # what a stub raises
_raises: ContextVar[bool] = ContextVar("raises", default=False)


class IfFilledIn:
    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or trace is None or _raises.get() or autograding():
            return False
        left = left_to_do(error, own=trace.tb_frame.f_code.co_filename)
        if left is None:
            return False
        print(f"Not filled in yet: {left}." if left else "Not filled in yet.")
        return True


def if_filled_in() -> IfFilledIn:
    """`with lab.if_filled_in():` around code that uses an answer which may stay open.

    Where the answer is still a stub that is said, and the cells below can run. Any other error is
    raised as ever, and so is this one while a submission is graded.
    """
    return IfFilledIn()


@contextmanager
def raising() -> Iterator[None]:
    """What stands in `with lab.if_filled_in()` raises in here: `lab.check` wants to know."""
    before = _raises.set(True)
    try:
        yield
    finally:
        _raises.reset(before)


def left_to_do(error: BaseException, *, own: str) -> str | None:
    """What is still to do if that is why `error` came, else None; `own` is the file of the code
    that was run, as its traceback names it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, NotImplementedError) and str(error) in ("", SAYS):
        at_top = place.filename == own or place.name == "<module>"
        return "" if at_top else f"{place.name}() is still a stub"
    if isinstance(error, NameError) and place.filename == own:
        return f"there is no {error.name} yet; fill in and run the cell that makes it"
    return None


def is_stub(source: str) -> bool:
    """Whether an answer's cell is as it was released, or holds nothing but comments."""
    lines = [line.strip() for line in source.splitlines()]
    raises = any(line.startswith("raise NotImplementedError(") for line in lines)
    if raises and "# YOUR CODE HERE" in lines:
        return True
    return not any(line and not line.startswith("#") for line in lines)
