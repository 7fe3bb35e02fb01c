"""A course folder, and nbgrader's converters run in it."""

import contextlib
import logging
import os
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.converters import BaseConverter
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, NoSuchModuleError, SAWarning
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from skipgrade.classroom.errors import ConversionError, CourseError
from skipgrade.classroom.terminal import PrintableLines

CONFIG_FILE = "nbgrader_config.py"
LOG_FILE = ".nbgrader.log"


class Course:
    """The folder with nbgrader_config.py: where notebooks, gradebook and submissions lie."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / CONFIG_FILE).is_file():
            raise CourseError(
                f"{self.root} is not a course: {CONFIG_FILE} is missing. Run this in the course."
            )
        self.log_file = self.root / LOG_FILE
        _put_alembic_on_path()
        with contextlib.chdir(self.root):  # as nbgrader's own commands, run in the course, do
            loader = PyFileConfigLoader(CONFIG_FILE, path=str(self.root))
            self.config: Config = loader.load_config()

    def directory(self, assignment: str = "", student: str = "*", **other: str) -> CourseDirectory:
        """nbgrader's own view of this folder, for one assignment and one student or all.

        `other` are settings of nbgrader's CourseDirectory that are to differ from the course's.
        """
        names = {"assignment_id": assignment, "student_id": student, **other}
        return CourseDirectory(config=self.config, root=str(self.root), **names)

    def folder(self, step: str, assignment: str, student: str = ".") -> Path:
        """The folder of one step (source, release, submitted, autograded, feedback)."""
        name = getattr(self.directory(), f"{step}_directory")
        return Path(self.directory().format_path(name, student, assignment))

    def assignments(self) -> list[str]:
        """Every assignment that has a source notebook."""
        source = self.folder("source", "*").parent
        return sorted({path.parent.name for path in source.glob("*/*.ipynb")})

    def require(self, assignment: str) -> str:
        """The name itself, or an error that lists the names there are."""
        known = self.assignments()
        if assignment not in known:
            raise CourseError(
                f"There is no assignment {assignment!r} in {self.folder('source', '*').parent}. "
                f"There is: {', '.join(known) or 'nothing'}."
            )
        return assignment

    def chosen(self, assignments: Sequence[str]) -> list[str]:
        """Those named; all there are, where none is."""
        chosen = [self.require(name) for name in assignments] or self.assignments()
        if not chosen:
            place = self.folder("source", "ASSIGNMENT")
            raise CourseError(f"There is no assignment yet. Write one: {place}/ASSIGNMENT.ipynb.")
        return chosen

    def submissions(self, assignment: str) -> list[str]:
        """The students whose submission for this assignment lies under submitted/."""
        pattern = self.folder("submitted", assignment, "*").relative_to(self.root)
        return sorted(path.parent.name for path in self.root.glob(str(pattern)) if path.is_dir())

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """The course's gradebook: gradebook.db, or what `c.CourseDirectory.db_url` says."""
        directory = self.directory()
        try:
            book = Gradebook(directory.db_url, directory.course_id)
        except (DatabaseError, NoSuchModuleError, ImportError) as error:
            reason = str(error).splitlines()[0]
            raise CourseError(
                f"The gradebook {_without_password(directory.db_url)} does not open ({reason}). "
                f"Is c.CourseDirectory.db_url in {CONFIG_FILE} right, and the server up? "
                "PostgreSQL needs `pip install 'skipgrade[postgres]'`."
            ) from error
        with book:
            yield book

    def run(
        self,
        converter: type[BaseConverter],
        assignment: str,
        student: str = "*",
        directory: CourseDirectory | None = None,
        log_file: Path | None = None,
    ) -> None:
        """Do what nbgrader's command of that converter does, as new; its log goes to a file."""
        with _log_to(log_file or self.log_file) as log, as_nbgrader_means_it():
            try:
                converter(
                    coursedir=directory or self.directory(assignment, student),
                    config=self.config,
                    force=True,
                    log=log.logger,
                ).start()
            except NbGraderException as error:
                raise ConversionError(log.reason or str(error)) from error


@contextmanager
def as_nbgrader_means_it() -> Iterator[None]:
    """nbgrader 0.9.6 makes SQLAlchemy 2 warn of something it means to do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=SAWarning, message="Object of type <Submitted")
        yield


def _without_password(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _put_alembic_on_path() -> None:
    """nbgrader starts `alembic` by name; without an activated environment it is not found."""
    if shutil.which("alembic") is None:
        beside_python = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([beside_python, os.environ.get("PATH", "")])


class _Reason(logging.Handler):
    """Keeps what nbgrader only logs: the exception it is about when it says so."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logging.ERROR)
        self.logger = logger
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if error and str(error):
            self.reason = traceback.format_exception_only(error)[-1].strip().splitlines()[-1]
        elif not self.reason:
            self.reason = record.getMessage().strip()


@contextmanager
def _log_to(path: Path) -> Iterator[_Reason]:
    logger = logging.getLogger("skipgrade.nbgrader")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    reason = _Reason(logger)
    lines = logging.FileHandler(path, encoding="utf-8")
    lines.setFormatter(PrintableLines("%(asctime)s %(levelname)s %(message)s"))
    for handler in (reason, lines):
        logger.addHandler(handler)
    try:
        yield reason
    finally:
        for handler in (reason, lines):
            logger.removeHandler(handler)
            handler.close()
