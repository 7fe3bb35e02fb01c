"""[grader] Which of the data sets' files a student's kernel may open. Needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

TRAINING_FILES = {
    "cifar-10-batches-py": [*(f"data_batch_{number}" for number in range(1, 6)), "batches.meta"],
    "cifar-100-python": ["train", "meta"],
}


def training_files() -> list[str]:
    """The official files of the training split, where SKIPGRADE_DATA names a folder.

    The folder itself is not among them: the test split lies there too, and often the archive that
    both came from.
    """
    if not (named := os.environ.get("SKIPGRADE_DATA")):
        return []
    folder = Path(named).expanduser()
    return [str(folder / part / file) for part, files in TRAINING_FILES.items() for file in files]
