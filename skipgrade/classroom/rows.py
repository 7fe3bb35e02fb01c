"""A submission as rows of nbgrader's tables: out of one gradebook, into another."""

from pathlib import Path
from typing import Any

from nbgrader.api import Base
from sqlalchemy import Connection, Table, create_engine, insert, select, update

Row = dict[str, Any]
Rows = dict[str, list[Row]]

TABLES: dict[str, Table] = dict(Base.metadata.tables)
CELL_KINDS = ("grade_cells", "solution_cells", "task_cells")
# Per table: what says that two rows are the same one, and what grading writes into it.
# manual_score, extra_credit and manual_comment are a person's: they are nowhere here.
MERGED: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("student", ("id",), ()),
    ("submitted_assignment", ("assignment_id", "student_id"), ("timestamp",)),
    ("submitted_notebook", ("assignment_id", "notebook_id"), ("late_submission_penalty",)),
    ("grade", ("notebook_id", "cell_id"), ("auto_score", "needs_manual_grade")),
    ("comment", ("notebook_id", "cell_id"), ("auto_comment",)),
)


def write_seed(connection: Connection, assignment: str, path: Path) -> None:
    """Write an SQLite gradebook that knows one assignment and nobody's work."""
    rows: Rows = {"assignment": _find(connection, "assignment", name=[assignment])}
    rows["course"] = _find(connection, "course", id=_values(rows["assignment"], "course_id"))
    of_assignment = _values(rows["assignment"], "id")
    rows["notebook"] = _find(connection, "notebook", assignment_id=of_assignment)
    of_notebooks = _values(rows["notebook"], "id")
    rows["base_cell"] = _find(connection, "base_cell", notebook_id=of_notebooks)
    rows["source_cell"] = _find(connection, "source_cell", notebook_id=of_notebooks)
    for kind in CELL_KINDS:
        rows[kind] = _find(connection, kind, id=_values(rows["base_cell"], "id"))
    engine = create_engine(sqlite_url(path))
    Base.metadata.create_all(engine)
    with engine.begin() as target:
        add(target, rows)
    engine.dispose()


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def submission(connection: Connection, assignment: str, student: str) -> Rows:
    """Everything a gradebook holds of one student's submission."""
    known = _find(connection, "assignment", name=[assignment])
    rows: Rows = {"student": _find(connection, "student", id=[student])}
    rows["submitted_assignment"] = _find(
        connection, "submitted_assignment", student_id=[student], assignment_id=_values(known, "id")
    )
    ids = _values(rows["submitted_assignment"], "id")
    rows["submitted_notebook"] = _find(connection, "submitted_notebook", assignment_id=ids)
    ids = _values(rows["submitted_notebook"], "id")
    for name in ("grade", "comment"):
        rows[name] = _find(connection, name, notebook_id=ids)
    return rows


def scores(rows: Rows) -> dict[str, float | None]:
    """The automatic score of every graded cell, by the cell's id."""
    return {row["cell_id"]: row["auto_score"] for row in rows["grade"]}


def add(connection: Connection, rows: Rows) -> None:
    """Insert rows into tables that hold none of them yet."""
    for table in Base.metadata.sorted_tables:
        if rows.get(table.name):
            connection.execute(insert(table), rows[table.name])


def merge(connection: Connection, rows: Rows) -> None:
    """Put a graded submission into a gradebook; what a person wrote there stays as it is.

    A submission that was made here in the meantime keeps its own ids.
    """
    ids: dict[str, str] = {}
    for name, keys, written in MERGED:
        table = TABLES[name]
        given = [row | {key: ids.get(row[key], row[key]) for key in keys} for row in rows[name]]
        present = {
            tuple(row[key] for key in keys): row
            for row in _find(connection, name, True, **{keys[0]: _values(given, keys[0])})
        }
        for row in given:
            there = present.get(tuple(row[key] for key in keys))
            if there is None:
                connection.execute(insert(table).values(row))
                continue
            ids[row["id"]] = there["id"]
            changes = {
                column: value
                for column, value in _written(name, row, there, written).items()
                if there[column] != value
            }
            if changes:
                connection.execute(update(table).where(table.c.id == there["id"]).values(changes))


def _written(name: str, row: Row, there: Row, columns: tuple[str, ...]) -> Row:
    new = {column: row[column] for column in columns}
    if name == "grade" and there["manual_score"] is not None and row["manual_score"] is None:
        # A person gave points while this was graded: as nbgrader, ask them to look again.
        new["needs_manual_grade"] = True
    return new


def _find(
    connection: Connection, name: str, lock: bool = False, /, **wanted: list[Any]
) -> list[Row]:
    """The rows whose columns hold one of the wanted values."""
    table = TABLES[name]
    query = select(table).where(*(table.c[column].in_(among) for column, among in wanted.items()))
    query = query.with_for_update() if lock else query  # SQLite locks as a whole, when written to
    return [dict(row) for row in connection.execute(query).mappings()]


def _values(rows: list[Row], column: str) -> list[Any]:
    return [row[column] for row in rows]
