"""Are tiers shares of the points, falling with the accuracy?"""

from __future__ import annotations

from typing import Any

import pytest

from skipgrade.judging.checks.tiers import check_tiers

NAN = float("nan")


@pytest.mark.parametrize(
    "tiers",
    [{0.6: 1.0}, {0.63: 1, 0.6: 0.5}, {0.6: 0.5, 0.63: 1.0}, {1: 1, 0.99: 0.999}, {0.5: 0.25}],
)
def test_shares_that_fall_are_sound(tiers: dict[Any, Any]) -> None:
    check_tiers(tiers)


@pytest.mark.parametrize(
    ("tiers", "told"),
    [
        ({}, "empty"),
        ({0.63: 3, 0.60: 2}, "0.63 earns 3: a share.*not points"),
        ({63: 1.0, 60: 0.5}, "63 is not an accuracy"),
        ({0.63: 1.0, 0.60: 0}, "0.6 earns 0"),
        ({0.63: 1.0, 0.60: -0.5}, "0.6 earns -0.5"),
        ({0: 0.5}, "0 is not an accuracy"),
        ({0.63: 0.5, 0.60: 1.0}, "a lower accuracy must earn less"),
        ({0.63: 1.0, 0.60: 1.0}, "a lower accuracy must earn less"),
        ({NAN: 1.0}, "nan is not an accuracy"),
        ({0.6: NAN}, "earns nan"),
        ({0.6: float("inf")}, "earns inf"),
        ({"0.6": 1.0}, "'0.6' is not an accuracy"),
        ({0.6: "1"}, "earns '1'"),
        ({0.6: True}, "earns True"),
        ({True: 1.0}, "True is not an accuracy"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(tiers: dict[Any, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_tiers(tiers)
