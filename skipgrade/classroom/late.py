"""A late submission loses a share of its points a day; for `c.AssignLatePenalties.plugin_class`."""

import math

from nbgrader.plugins import BasePlugin
from traitlets import Float

DAY = 24 * 60 * 60


class LateByDays(BasePlugin):
    """nbgrader asks this while it grades, `marks` whenever points are added up."""

    share_a_day = Float(
        0.0, min=0.0, max=1.0, help="The share of its points that each day begun costs."
    ).tag(config=True)
    most = Float(1.0, min=0.0, max=1.0, help="The share that is lost at most.").tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float:
        return score * min(self.most, self.share_a_day * days(total_seconds_late))


def days(seconds: float) -> int:
    """Days begun."""
    return math.ceil(seconds / DAY)
