"""What an audit found, as lines and as data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from skipgrade.classroom.audit import Audited
from skipgrade.classroom.audit.comparing import NOT_REPRODUCIBLE, VERDICTS
from skipgrade.classroom.audit.retraining import Again
from skipgrade.lab.history import History

MOST_REASONS = 4  # of one run


def student_lines(found: Audited) -> Iterator[str]:
    """A line with the verdict, and one for each reason that it is not the best."""
    yield f"{found.student:<16} {found.verdict}"
    if found.trouble:
        yield f"  {found.trouble}"
    for run in found.runs:
        for reason in run.reasons[:MOST_REASONS]:
            yield f"  {run.run}: {reason}"


def summary_lines(found: Iterable[Audited], of: int) -> Iterator[str]:
    found = list(found)
    count = Counter(one.verdict for one in found)
    told = ", ".join(f"{count[name]} {name}" for name in VERDICTS if count[name])
    yield f"{len(found)} of {of} submissions: {told}. No grade was changed."
    if count[NOT_REPRODUCIBLE]:
        yield (
            "Not reproducible means that the code handed in does not give what was handed in with "
            "it. That can be innocent: code changed after training, files of two runs. Read, and "
            "ask."
        )


def as_json(assignment: str, found: Iterable[Audited]) -> str:
    told = {"assignment": assignment, "students": [_student(one) for one in found]}
    return json.dumps(told, indent=1)


def _student(found: Audited) -> dict[str, Any]:
    return {
        "student": found.student,
        "verdict": found.verdict,
        "trouble": found.trouble,
        "runs": [
            {
                "run": run.run,
                "verdict": run.verdict,
                "against": run.against,
                "open": run.open,
                "not run": run.not_run,
                "claimed": _epochs(run.claimed),
                "trained": _epochs(run.trained),
                "weights": _weights(run.again),
            }
            for run in found.runs
        ],
    }


def _epochs(history: History | None) -> list[dict[str, Any]]:
    return [] if history is None else history.epochs


def _weights(again: Again | None) -> dict[str, Any]:
    """What those handed in and those trained here do on the validation images."""
    found = {"handed in": again.claimed, "trained": again.reached} if again else {}
    return {name: asdict(measured) for name, measured in found.items() if measured}
