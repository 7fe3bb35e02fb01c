"""nbgrader's configuration for this course. The judge is plugged in here; nothing is patched."""

import warnings
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import (
    AssignLatePenalties,
    ClearOutput,
    ClearSolutions,
    DeduplicateIds,
    GetGrades,
    LimitOutput,
    OverwriteKernelspec,
)
from sqlalchemy.exc import SAWarning

from skipgrade.classroom.colab import ColabHeader
from skipgrade.classroom.exchange import CollectPlainFiles, ReleaseWhatCameThroughHere
from skipgrade.classroom.feedback_page import FeedbackExporter, FeedbackSummary
from skipgrade.classroom.late import LateByDays
from skipgrade.classroom.leftovers import beside_notebooks
from skipgrade.classroom.mark_schemes import MarkSchemes
from skipgrade.classroom.paths import HidePaths
from skipgrade.classroom.stubs import STUB, QuietStubs, SayNotFilledIn
from skipgrade.classroom.zip_collect import PlatformNames
from skipgrade.judging.grader.cell_metadata import CheckMetadataOnce
from skipgrade.judging.grader.execute import JudgedExecute
from skipgrade.judging.grader.gradebook_cells import OverwriteCellsAtOnce, SaveGradesAtOnce
from skipgrade.judging.grader.skeleton import RestoreCells
from skipgrade.judging.intake.exporter import SubmissionExporter
from skipgrade.judging.pages.hide_tests import HideTests
from skipgrade.judging.pages.sanitise import Sanitise

c = get_config()  # noqa: F821  (traitlets puts it here)

# nbgrader 0.9.6 makes SQLAlchemy 2 warn of something it means to do.
warnings.filterwarnings("ignore", category=SAWarning, message="Object of type <Submitted")

c.CourseDirectory.course_id = "skipgrade"

# Where students find the released notebooks and the wheel: the one place this address stands.
c.ColabHeader.repository = "https://github.com/skipgrade/skipgrade"

# Releasing: stubs that say what they are, and stop nothing where an answer may stay open; a badge
# and an install cell first; nothing that a Run All left beside the source.
# (A new list: nbgrader's commands read this file twice, and would put the header in twice.)
c.ClearSolutions.code_stub = {"python": STUB}
steps = list(GenerateAssignment.preprocessors.default())
steps.insert(steps.index(ClearSolutions) + 1, QuietStubs)
c.GenerateAssignment.preprocessors = [*steps, ColabHeader]
c.GenerateAssignment.post_convert_hook = "skipgrade.classroom.leftovers.drop_from_release"

# `nbgrader zip_collect` knows platforms' names as `skipgrade collect` does.
c.ZipCollectApp.collector_plugin = PlatformNames

# nbgrader's exchange: links in students' folders are not followed, and a page of feedback that did
# not come through it stops no other.
c.ExchangeFactory.collect = CollectPlainFiles
c.ExchangeFactory.release_feedback = ReleaseWhatCameThroughHere

# Grading: the student's kernel runs what is visible, the judge's kernel what is hidden.
c.Autograde.exporter_class = SubmissionExporter
c.Autograde.exclude_overwriting = beside_notebooks(Path("source"))
c.Autograde.autograde_preprocessors = [
    JudgedExecute,
    LimitOutput,
    SaveGradesAtOnce,
    AssignLatePenalties,
    CheckMetadataOnce,
]
c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    RestoreCells,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCellsAtOnce,
    Sanitise,
    CheckMetadataOnce,
]

# Time limits in seconds: a visible cell, the checks of a cell, a whole notebook.
c.Execute.timeout = 60
c.Validator.Execute.timeout = None  # `nbgrader validate` trains
c.JudgedExecute.judging_timeout = 600
c.JudgedExecute.notebook_timeout = 1800

# Memory a submission may allocate.
c.SandboxProvisioner.memory_gib = 8.0

# Bonus points of these fill up what is missing in them, together no more than that.
c.Marking.capped = [["01-lenet5-pipeline", "02-lenet5-tuning", "05-resnet20-tuning"]]

# The share of its points that a submission loses for each day begun after the due date.
c.AssignLatePenalties.plugin_class = LateByDays
c.LateByDays.share_a_day = 0.0

# Pages, Formgrader's and feedback: a student's heading is no name for a part of the page.
c.HTMLExporter.exclude_anchor_links = True

# Formgrader shows each mark scheme below its answer; no other page does.
c.HTMLExporter.preprocessors = [MarkSchemes]

# Feedback shows the autograded notebooks: without the hidden tests and the grader's folders.
c.GenerateFeedback.exporter_class = FeedbackExporter
c.GenerateFeedback.preprocessors = [
    GetGrades,
    HideTests,
    SayNotFilledIn,
    HidePaths,
    FeedbackSummary,
]
