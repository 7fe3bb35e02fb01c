"""[judge's kernel, grader] Tiers of a check: what share of the points each accuracy earns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise


def check_tiers(tiers: Mapping[float, float]) -> None:
    """`ValueError` for tiers that are not shares from 0 to 1, falling with the accuracy."""
    if not tiers:
        raise ValueError("tiers are empty; at least one accuracy must earn something")
    for accuracy, share in tiers.items():
        if not 0 < accuracy <= 1 or not 0 < share <= 1:
            raise ValueError(
                f"the tier {accuracy}: {share} is not a share of the points, from 0 to 1, for an "
                "accuracy from 0 to 1"
            )
    shares = [tiers[accuracy] for accuracy in sorted(tiers)]
    if any(later <= earlier for earlier, later in pairwise(shares)):
        raise ValueError(f"the tiers {dict(tiers)} do not earn more for a higher accuracy")
