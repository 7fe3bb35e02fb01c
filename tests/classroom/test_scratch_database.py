"""Gradebooks of one submission: do they wait for the disk, and do they hold what is written?"""

from __future__ import annotations

from pathlib import Path

from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, text

from skipgrade.classroom import rows
from skipgrade.classroom.scratch_database import scratch_url


def test_it_waits_for_no_disk_and_is_plain_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    Base.metadata.create_all(create_engine(scratch_url(path)))
    for number in range(2):  # the second is told by statements the first has compiled
        with Gradebook(scratch_url(path)) as book:
            for name, quick in (("synchronous", 0), ("journal_mode", "memory")):
                assert book.db.execute(text(f"PRAGMA {name}")).scalar() == quick
            book.add_assignment(f"a{number}")
            book.update_or_create_student(f"s{number}")
    with Gradebook(rows.sqlite_url(path)) as book:
        assert [one.name for one in book.assignments] == ["a0", "a1"]
        assert [one.id for one in book.students] == ["s0", "s1"]


def test_other_databases_wait_as_ever(tmp_path: Path) -> None:
    with create_engine(rows.sqlite_url(tmp_path / "gradebook.db")).connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
