"""What can go wrong in a class that a person can fix."""

from collections.abc import Iterable


class CourseError(Exception):
    """Something a person can fix: text and `lines` name the places and the fixes."""

    def __init__(self, text: str, lines: Iterable[str] = ()) -> None:
        self.text, self.lines = text, list(lines)
        super().__init__("\n  ".join([text, *self.lines]))


class ConversionError(CourseError):
    """nbgrader gave up on an assignment or a submission."""
