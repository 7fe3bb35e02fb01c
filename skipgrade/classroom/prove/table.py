"""What a proof has found, for a person and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skipgrade.classroom.prove.cells import Variant
from skipgrade.classroom.prove.found import Found

DEVIATIONS = 1.96  # of a normal distribution: 95 in 100 lie within


# Why a survivor is right all the same, by its cell and its changed lines; by the cell alone where
# what stands in it is the student's to choose.
Known = Mapping[tuple[str, tuple[str, ...]], str]
Tried = list[tuple[Variant, Found]]


@dataclass
class Proof:
    """The variants of one assignment that were tried, and what each lost."""

    assignment: str
    known: Known = field(default_factory=dict)
    equivalents: Tried = field(default_factory=list)
    mutants: Tried = field(default_factory=list)
    possible: dict[str, int] = field(default_factory=dict)  # how many of each there are
    recipe: int = 0  # mutants in cells that train, which are not tried
    unseen: list[str] = field(default_factory=list)  # cells with a part that no test looks at
    not_asked: list[str] = field(default_factory=list)  # tests the solution itself does not pass
    seconds: float = 0.0

    @property
    def refused(self) -> Tried:
        """Equivalents that lose points: the tests are unfair."""
        return [(one, found) for one, found in self.equivalents if not found.full]

    @property
    def alike(self) -> Tried:
        """Mutants that keep every point, and of which it is known why."""
        return [(one, found) for one, found in self.mutants if found.full and self.why(one)]

    @property
    def survivors(self) -> Tried:
        """Mutants that lose nothing: the tests are blind, or it makes no difference."""
        return [(one, found) for one, found in self.mutants if found.full and not self.why(one)]

    def why(self, variant: Variant) -> str:
        exact, whole = (variant.cell, tuple(variant.diff)), (variant.cell, ())
        return self.known.get(exact) or self.known.get(whole, "")


def read_known(path: Path, assignment: str) -> Known:
    """What a person has written of an assignment's survivors: `{"cell": ..., "diff": [...],
    "why": ...}` for each, in a list under the assignment's name. Without `diff`: all of a cell."""
    told = json.loads(path.read_text(encoding="utf-8")).get(assignment, [])
    return {(one["cell"], tuple(one.get("diff", ()))): one["why"] for one in told}


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
    differ = len(proof.mutants) - len(proof.alike)
    yield _share("equivalents accepted", accepted, len(proof.equivalents), proof, "equivalents")
    yield _share("mutants caught", differ - len(proof.survivors), differ, proof, "mutants")
    if proof.alike:
        yield f"  not counted: {len(proof.alike)} mutants known to be right all the same"
    if proof.recipe:
        yield f"  not tried: {proof.recipe} mutants in cells that train (a recipe is free)"
    if proof.unseen:
        yield f"  not tried: parts of {', '.join(proof.unseen)} that no test asked here looks at"
    if proof.not_asked:
        missing = ", ".join(proof.not_asked)
        yield f"  not asked, since they need cells that train, or a rehearsal's files: {missing}"
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
        "unseen": proof.unseen,
        "not_asked": proof.not_asked,
        **{
            kind: {
                "tried": len(tried),
                "full_points": sum(found.full for _, found in tried),
                "variants": [
                    _variant(one, found) | {"why": proof.why(one)} for one, found in tried
                ],
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
