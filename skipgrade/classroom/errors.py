"""What can go wrong in a class that a person can fix."""


class CourseError(Exception):
    """Something a person can fix; the message names the place and the fix."""


class ConversionError(CourseError):
    """nbgrader gave up on an assignment or a submission."""
