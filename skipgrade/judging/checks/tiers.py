"""[grader, judge's kernel] What an accuracy is worth: a share of the points from each tier on. For
judge and release.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any


def check_tiers(tiers: Mapping[Any, Any]) -> None:
    """`ValueError` says what is wrong with {accuracy: share of the points earned from it on}."""
    if not tiers:
        raise ValueError("tiers are empty: name at least one accuracy and the share it earns")
    for accuracy, share in tiers.items():
        if not is_share(accuracy):
            raise ValueError(f"tier {accuracy!r} is not an accuracy above 0 and up to 1")
        if not is_share(share):
            raise ValueError(
                f"tier {accuracy!r} earns {share!r}: a share of the cell's points above 0 and up "
                "to 1 is meant, not points"
            )
    for (better, more), (worse, less) in pairwise(sorted(tiers.items(), reverse=True)):
        if more <= less:
            raise ValueError(
                f"an accuracy of {better!r} earns {more!r} and {worse!r} earns {less!r}: "
                "a lower accuracy must earn less"
            )


def is_share(value: Any) -> bool:
    """A number above 0, up to 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
