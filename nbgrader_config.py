"""nbgrader's configuration for this course. The judge is plugged in here, nothing is patched."""

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    SaveAutoGrades,
)

from skipgrade.judging.execute import JudgedExecute
from skipgrade.judging.unreadable import SubmissionExporter

c = get_config()  # noqa: F821  (traitlets puts it here)

c.CourseDirectory.course_id = "skipgrade"

# Where students find the released notebooks and the wheel: the one place this address stands.
REPOSITORY = "https://github.com/skipgrade/skipgrade"

# Grading: the student's kernel runs what is visible, the judge's kernel what is hidden.
c.Autograde.exporter_class = SubmissionExporter
c.Autograde.autograde_preprocessors = [
    JudgedExecute,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.OverwriteCells.add_missing_cells = True

# Time limits in seconds: a visible cell, the checks of a cell, a whole notebook.
c.Execute.timeout = 60
c.JudgedExecute.judging_timeout = 180
c.JudgedExecute.notebook_timeout = 900

# Memory a submission may allocate.
c.LimitedProvisioner.memory_gib = 8.0
