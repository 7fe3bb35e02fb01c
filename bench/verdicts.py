"""docs/verdicts.md: what the tests of each assignment accept and catch.

    SKIPGRADE_DATASET=builtin skipgrade prove --known bench/survivors.json --json build/proofs.json
    python bench/verdicts.py build/proofs.json > docs/verdicts.md

Several files are read one after the other; of an assignment the last proof counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skipgrade.classroom.prove.table import read_known, wilson

KNOWN = Path(__file__).with_name("survivors.json")

HEAD = """# What the tests accept and catch

Written by `bench/verdicts.py` from what `skipgrade prove` has measured; its first lines hold the
two commands. *Equivalents* are the solution written in another way that means the same; each
should have every point. *Mutants* are the solution with one thing changed; those that do
something else than the task allows should lose points. Where there are more variants than were
tried, these were drawn. A mutant that keeps every point is for a person to judge: where its
change makes no difference, or the text leaves it to the student, it is not counted, and listed
with the reason; the rest are listed as survivors. Cells that train are not tried, nor are parts
that no test asked here looks at. An assignment that is missing has not been measured.

| assignment | equivalents | have every point | mutants counted | lose points | not counted |
|---|---:|---:|---:|---:|---:|"""


def row(proof: dict[str, Any]) -> str:
    """One line of the table."""
    alike, changed = proof["equivalents"], proof["mutants"]
    known = sum(1 for one in survivors(proof) if one["why"])
    counted = changed["tried"] - known
    caught = changed["tried"] - changed["full_points"]
    fields = [
        proof["assignment"],
        _of(alike["tried"], proof["possible"]["equivalents"]),
        _share(alike["full_points"], alike["tried"]),
        _of(counted, proof["possible"]["mutants"]),
        _share(caught, counted),
        str(known),
    ]
    return f"| {' | '.join(fields)} |"


def _of(count: int, possible: int) -> str:
    return f"{count} of {possible}" if possible > count else str(count)


def _share(count: int, total: int) -> str:
    if not total:
        return "none tried"
    low, high = wilson(count, total)
    return f"{count} of {total}: {count / total:.1%} ({low:.1%} to {high:.1%})"


def survivors(proof: dict[str, Any]) -> list[dict[str, Any]]:
    """Mutants with every point, each with what is known of it by now."""
    known = read_known(KNOWN, proof["assignment"])
    kept = [one for one in proof["mutants"]["variants"] if not one["lost"] and not one["stopped"]]
    for one in kept:
        why = known.get((one["cell"], tuple(one["diff"]))) or known.get((one["cell"], ()), "")
        one["why"] = why
    return kept


def section(proof: dict[str, Any]) -> Iterator[str]:
    """What a person should see of one assignment."""
    yield f"\n## {proof['assignment']}\n"
    if proof["not_asked"]:
        named = ", ".join(f"`{cell}`" for cell in proof["not_asked"])
        yield f"Not asked, since they need cells that train, or trained files: {named}.\n"
    refused = [one for one in proof["equivalents"]["variants"] if one["lost"] or one["stopped"]]
    kept = survivors(proof)
    for title, some in (
        ("Equivalents that lose points", refused),
        ("Survivors", [one for one in kept if not one["why"]]),
        ("Not counted", [one for one in kept if one["why"]]),
    ):
        if some:
            yield f"{title}:\n"
            yield "```diff"
            for one in some:
                yield f"# {one['cell']}{': ' + one['why'] if one.get('why') else ''}"
                yield from one["diff"]
                yield from (f"# {cell}: {told}" for cell, told in one["reasons"].items())
            yield "```\n"


def main(files: list[str]) -> None:
    proofs = [proof for file in files for proof in json.loads(Path(file).read_text())]
    latest = {proof["assignment"]: proof for proof in proofs}
    chosen = [latest[name] for name in sorted(latest)]
    print(HEAD, *map(row, chosen), sep="\n")
    print(*(line for proof in chosen for line in section(proof)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
