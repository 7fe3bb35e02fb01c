"""Weights that a student has in common with others of the class.

Which of the two is the copy nobody can tell from weights, so that it decides nothing alone.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from skipgrade.classroom.course import Course
from skipgrade.classroom.similar.comparing import Submissions, Work, same_weights
from skipgrade.judging.printable import printable

END = "-best.safetensors"


class Shared:
    def __init__(self, course: Course, assignment: str) -> None:
        self._submissions = Submissions(course, assignment)

    @cached_property
    def _works(self) -> dict[str, Work]:
        return {one: self._submissions.read_weights(one) for one in self._submissions.students}

    def with_others(self, student: str) -> dict[str, list[str]]:
        """By run, a sentence for each other student."""
        found: dict[str, list[str]] = defaultdict(list)
        own = self._works[student]
        for name, work in self._works.items():
            if name != student:
                for file, _, told in same_weights(self._submissions, own, work):
                    found[file.removesuffix(END)].append(f"shared with {printable(name)}: {told}")
        return found
