"""Run source notebooks on the real CIFAR-10 and have the judge mark what they trained.

    SKIPGRADE_DATA=folder .venv/bin/python bench/real_notebooks.py 01-lenet5-pipeline [...]

Every cell of a notebook is executed, training and sweeps included, and handed in and graded like a
student's work. Prints a few lines a notebook; the rest goes into real_notebooks.json.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from surroundings import machine

from skipgrade.classroom import rehearsal

PROJECT = Path(__file__).parents[1]


def main(assignments: list[str]) -> None:
    if "SKIPGRADE_DATA" not in os.environ or not assignments:
        raise SystemExit(__doc__)
    os.environ["SKIPGRADE_DATA"] = str(Path(os.environ["SKIPGRADE_DATA"]).resolve())
    os.environ.pop("SKIPGRADE_DATASET", None)
    results = []
    for assignment in assignments:
        with tempfile.TemporaryDirectory() as scratch:
            results.append(run(assignment, Path(scratch)))
        content = {"machine": machine(), "results": results}
        Path("real_notebooks.json").write_text(json.dumps(content, indent=1) + "\n")


def run(assignment: str, scratch: Path) -> dict[str, Any]:
    done = rehearsal.rehearse(PROJECT, scratch / "course", assignment, print)
    marks = done.marks(rehearsal.SOLUTION)
    print(f"{assignment}: every cell executed in {done.seconds:.0f} s")
    for name, mark in marks.items():
        for note in mark["notes"]:
            print(f"  {name}: {note}")
    points, most = (sum(mark[key] for mark in marks.values()) for key in ("points", "max"))
    print(f"  {points:g} of {most:g} automatic points", flush=True)
    folder = done.course.folder("submitted", assignment, rehearsal.SOLUTION)
    runs = {path.name: json.loads(path.read_text()) for path in folder.glob("*-history.json")}
    return {"assignment": assignment, "seconds": round(done.seconds), "marks": marks, "runs": runs}


if __name__ == "__main__":
    main(sys.argv[1:])
