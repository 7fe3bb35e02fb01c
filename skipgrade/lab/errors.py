"""What the bench raises when a person has to do something about it."""


class LabError(RuntimeError):
    """A message for the student: what is wrong, in which file, and what fixes it."""
