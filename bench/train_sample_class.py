"""Train the sample class anew: `.venv/bin/python bench/train_sample_class.py [STUDENT...]`.

Needed after a change to assignment 01, `lab.fit` or the built-in data set that makes the kept
weights useless. Each honest student's notebook is executed from top to bottom on the built-in data,
and what its training cells wrote is kept under skipgrade/classroom/sample/trained/. Only the
loaders of the two runs are exchanged for `lab.load`'s, which hold the same images, normalised the
same way, and are many times faster than a loader that goes through PIL.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from nbclient import NotebookClient

from skipgrade.classroom import demo, release, sample
from skipgrade.classroom.course import Course

PROJECT = Path(__file__).parents[1]
OWN_LOADERS = "(train_loader, val_loader)"
FAST_LOADERS = 'lab.load("cifar10", batch_size=64)'


def main(students: list[str]) -> None:
    os.environ["SKIPGRADE_DATASET"] = "builtin"
    chosen = [one for one in sample.SAMPLES if one.trained == one.student]
    with tempfile.TemporaryDirectory() as scratch:
        course = demo.new_course(PROJECT, Path(scratch, "course"))
        release.generate(course, [sample.ASSIGNMENT], print)
        for one in chosen:
            if not students or one.student in students:
                started = time.monotonic()
                kept = sample.HERE / "trained" / one.student
                shutil.rmtree(kept, ignore_errors=True)
                sample.pack(train(course, one, Path(scratch, one.student)), kept)
                size = sum(path.stat().st_size for path in kept.iterdir()) / 1000
                took = time.monotonic() - started
                print(f"{one.student}: {took:.0f} s, {size:.0f} kB", flush=True)


def train(course: Course, one: sample.Sample, folder: Path) -> Path:
    """Run a student's notebook in a folder of its own, where its training cells leave files."""
    folder.mkdir()
    notebook = sample.notebook(course, one)
    exchanged = 0
    for cell in notebook.cells:
        if "lab.fit(" in cell.source and cell.cell_type == "code":
            assert OWN_LOADERS in cell.source, cell.source
            cell.source = cell.source.replace(OWN_LOADERS, FAST_LOADERS)
            exchanged += 1
    assert exchanged == 2, f"{exchanged} training cells found, not 2"
    # Some visible asserts of a wrong student fail on the way; the training cells still run.
    NotebookClient(
        notebook, timeout=1800, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    ).execute()
    assert len(list(folder.glob("*-best.safetensors"))) == 2, f"{one.student} did not train"
    return folder


if __name__ == "__main__":
    main(sys.argv[1:])
