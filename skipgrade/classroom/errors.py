"""What can go wrong in a class that a person can mend."""


class CourseError(Exception):
    """Something a person can mend; the text names the place and the mend."""


class ConversionError(CourseError):
    """nbgrader gave up on an assignment or a submission."""
