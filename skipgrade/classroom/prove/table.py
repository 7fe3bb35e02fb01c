"""What a proof has found, for a person and for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from skipgrade.classroom.prove.cells import Variant
from skipgrade.classroom.prove.found import Found

DEVIATIONS = 1.96  # of a normal distribution: 95 in 100 lie within


@dataclass
class Proof:
    """The variants of one assignment that were tried, and what each lost."""

    assignment: str
    equivalents: list[tuple[Variant, Found]] = field(default_factory=list)
    mutants: list[tuple[Variant, Found]] = field(default_factory=list)
    possible: dict[str, int] = field(default_factory=dict)  # how many of each there are
    recipe: int = 0  # mutants in cells that train, which are not tried
    not_asked: list[str] = field(default_factory=list)  # tests the solution itself does not pass
    seconds: float = 0.0

    @property
    def refused(self) -> list[tuple[Variant, Found]]:
        """Equivalents that lose points: the tests are unfair."""
        return [(one, found) for one, found in self.equivalents if not found.full]

    @property
    def survivors(self) -> list[tuple[Variant, Found]]:
        """Mutants that lose nothing: the tests are blind, or it makes no difference."""
        return [(one, found) for one, found in self.mutants if found.full]

    @property
    def unseen(self) -> set[str]:
        """Cells of which no test that was asked takes notice."""
        seen: dict[str, int] = {}
        for one, found in [*self.equivalents, *self.mutants]:
            seen[one.cell] = max(seen.get(one.cell, 0), found.asked)
        return {cell for cell, asked in seen.items() if not asked}


def wilson(count: int, total: int) -> tuple[float, float]:
    """Wilson's interval for a share, 95%."""
    if not total:
        return 0.0, 1.0
    share, square = count / total, DEVIATIONS**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    half = DEVIATIONS / (1 + square / total) * spread
    return max(0.0, middle - half), min(1.0, middle + half)


def lines(proof: Proof) -> Iterator[str]:
    """The proof in words: each exception with its changed lines, then the two shares."""
    for one, found in proof.refused:
        lost = "; ".join(
            f"{cell} -{points:.3g} ({found.reasons[cell]})" for cell, points in found.lost.items()
        )
        yield f"  refused  {one.cell} ({one.how}): {lost or found.stopped}"
        yield from (f"             {line}" for line in one.diff)
    for one, _ in proof.survivors:
        yield f"  survives {one.cell} ({one.how})"
        yield from (f"             {line}" for line in one.diff)
    accepted = len(proof.equivalents) - len(proof.refused)
    caught = len(proof.mutants) - len(proof.survivors)
    yield _share("equivalents accepted", accepted, len(proof.equivalents), proof, "equivalents")
    yield _share("mutants caught", caught, len(proof.mutants), proof, "mutants")
    if proof.recipe:
        yield f"  not tried: {proof.recipe} mutants in cells that train (the recipe is the student's)"
    if proof.not_asked:
        yield f"  not asked, since the solution needs files for them: {', '.join(proof.not_asked)}"
    if proof.survivors:
        yield "  Whether a survivor does anything else than the solution, a person has to say."


def _share(what: str, count: int, total: int, proof: Proof, kind: str) -> str:
    low, high = wilson(count, total)
    share = count / total if total else 0.0
    there = proof.possible.get(kind, total)
    of = f", of {there} there are" if there > total else ""
    return f"  {what}: {count} of {total}{of} ({share:.1%}, 95% interval {low:.1%} to {high:.1%})"


def as_data(proof: Proof) -> dict[str, Any]:
    """Everything, as JSON may hold it."""
    return {
        "assignment": proof.assignment,
        "seconds": round(proof.seconds, 1),
        "possible": proof.possible,
        "recipe": proof.recipe,
        "not_asked": proof.not_asked,
        **{
            kind: {
                "tried": len(tried),
                "full_points": sum(found.full for _, found in tried),
                "variants": [_variant(one, found) for one, found in tried],
            }
            for kind, tried in (("equivalents", proof.equivalents), ("mutants", proof.mutants))
        },
    }


def _variant(one: Variant, found: Found) -> dict[str, Any]:
    return {
        "cell": one.cell,
        "how": one.how,
        "diff": one.diff,
        "lost": found.lost,
        "reasons": found.reasons,
        "stopped": found.stopped,
    }
