"""What became of one variant."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Found:
    """The points a variant lost, by test cell, and the first reason; or why nothing was found."""

    lost: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    weighed: list[str] = field(default_factory=list)  # the tests that read a file of weights
    stopped: str = ""  # "crashed", "took too long"

    @property
    def full(self) -> bool:
        return not self.lost and not self.stopped
