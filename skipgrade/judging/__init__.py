"""[judge's kernel] Verdicts: what hidden tests say, and the machinery that makes them true.

A hidden test begins with `from skipgrade.judging import check` (and `student`, `solution`,
`images` where it needs them). They are imported on first use, because `nbgrader` itself, which
only needs the preprocessor, should not wait for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skipgrade.judging.hidden_test_api import (
        check,
        draw,
        handed_in,
        images,
        network,
        preparation,
        solution,
        student,
    )

__all__ = ["check", "draw", "handed_in", "images", "network", "preparation", "solution", "student"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from skipgrade.judging import hidden_test_api

    return getattr(hidden_test_api, name)
