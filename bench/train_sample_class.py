"""Train the sample class's weights anew: `.venv/bin/python bench/train_sample_class.py`.

Needed after a change to assignment 01, `lab.fit` or the built-in data set that makes the kept
weights useless. Every honest sample's notebook is executed from top to bottom on the built-in
data, and what its training cells wrote is kept under skipgrade/classroom/sample/trained/.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from skipgrade.classroom import demo, release, sample

PROJECT = Path(__file__).parents[1]


def main() -> None:
    os.environ["SKIPGRADE_DATASET"] = "builtin"
    with tempfile.TemporaryDirectory() as scratch:
        course = demo.new_course(PROJECT, Path(scratch, "course"))
        release.generate(course, [sample.ASSIGNMENT], print)
        for one in sample.SAMPLES:
            if one.trained != one.student:
                continue
            started = time.monotonic()
            folder = Path(scratch, one.student)
            folder.mkdir()
            notebook = sample.notebook(course, one)
            NotebookClient(
                notebook,
                timeout=1800,
                allow_errors=one.student == "wrong-padding",
                resources={"metadata": {"path": str(folder)}},
            ).execute()
            nbformat.write(notebook, folder / f"{sample.ASSIGNMENT}.ipynb")
            kept = sample.HERE / "trained" / one.student
            shutil.rmtree(kept, ignore_errors=True)
            sample.pack(folder, kept)
            files = ", ".join(f"{p.name} {p.stat().st_size // 1000} kB" for p in kept.iterdir())
            print(f"{one.student}: {time.monotonic() - started:.0f} s; {files}", flush=True)


if __name__ == "__main__":
    main()
