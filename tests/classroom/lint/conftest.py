"""A course with the sound notebook, and the judge."""

from pathlib import Path

import pytest

from skipgrade.classroom.course import Course
from tests.classroom.conftest import CONFIG
from tests.classroom.lint.notebook import JUDGE, sound, write


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "nbgrader_config.py").write_text(CONFIG + JUDGE)
    write(tmp_path, sound())
    return Course(tmp_path)
