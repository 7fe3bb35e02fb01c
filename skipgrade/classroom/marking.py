"""What the points of tasks add up to: the course's rules, as configuration."""

from fnmatch import fnmatchcase
from functools import cached_property

from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Dict, Float, List, Unicode
from traitlets.config import Configurable


class Marking(Configurable):
    """Bonus, caps and the penalty for malformed submissions; for `c.Marking`."""

    bonus = List(
        Unicode(),
        ["*bonus*"],
        help="Names of graded cells, as patterns, whose points come on top of the assignment's.",
    ).tag(config=True)

    capped = List(
        List(Unicode()),
        help="Lists of assignments whose sum is never more than they are worth without bonus.",
    ).tag(config=True)

    format_penalty = Float(
        0.2, min=0.0, max=1.0, help="The share of its points that a malformed submission loses."
    ).tag(config=True)

    malformed = Dict(
        value_trait=List(Unicode()),
        help="Per assignment, the students whose submission a person found malformed.",
    ).tag(config=True)

    explained = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        default_value={"claim-*-test": "claim-*-why"},
        help="Graded cells, as patterns with one *, whose points count only if the explanation "
        "earns some too: the cell whose name has the same text for *.",
    ).tag(config=True)

    def is_bonus(self, cell: str) -> bool:
        return any(fnmatchcase(cell, pattern) for pattern in self.bonus)

    def explanation_of(self, cell: str) -> str | None:
        """The cell without whose points those of `cell` count for nothing."""
        for pattern, explanation in self.explained.items():
            if fnmatchcase(cell, pattern):
                before, _, after = pattern.partition("*")
                return explanation.replace("*", cell[len(before) : len(cell) - len(after)])
        return None

    def capped_with(self, assignment: str) -> list[str]:
        """The assignments that share a cap with this one, itself among them; none: no cap."""
        return next((list(group) for group in self.capped if assignment in group), [])

    def late_penalty(self, student: str, score: float, seconds_late: float) -> float:
        """What the course's rule for late submissions takes from what is earned by now.

        nbgrader asks the same rule while it grades, before a person has given any points.
        """
        if seconds_late <= 0:
            return 0.0
        asked = self._late_rule.late_submission_penalty(student, score, seconds_late)
        return float(min(max(asked or 0.0, 0.0), score))

    @cached_property
    def _late_rule(self) -> BasePlugin:
        assigns = AssignLatePenalties(parent=self)
        assigns.init_plugin()
        return assigns.plugin_inst

    def format_share(self, assignment: str, student: str) -> float:
        return self.format_penalty if student in self.malformed.get(assignment, ()) else 0.0
