"""Assignment 08 on trial, with backbones as they are in grading."""

from collections.abc import Iterator

import pytest

from tests.assignments.variants import Assignment

trial = Assignment("08-transfer-learning")


@pytest.fixture(autouse=True, scope="module")
def as_in_grading() -> Iterator[None]:
    """Backbones are random then and cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        yield
