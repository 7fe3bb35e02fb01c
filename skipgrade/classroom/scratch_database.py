"""SQLite for a gradebook that lives no longer than one submission is graded.

nbgrader opens its gradebook some ten times for a submission, each time with an engine of its own,
and commits some ninety times. `sqlite+scratch:///PATH` is SQLite that waits for no disk, and whose
engines share what SQLAlchemy has compiled.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

NAME = "sqlite.scratch"
_compiled: dict[Any, Any] = {}  # as many statements as nbgrader and we have


class ScratchDialect(SQLiteDialect_pysqlite):
    """All of one process are equal: statements are kept by the dialect they were compiled for."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return super().import_dbapi()

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_compiled)

    def on_connect(self) -> Any:
        usual = super().on_connect()

        def connect(connection: Any) -> None:
            if usual is not None:
                usual(connection)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")

        return connect

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register(NAME, __name__, ScratchDialect.__name__)


def scratch_url(path: object) -> str:
    return f"{NAME.replace('.', '+')}:///{path}"
