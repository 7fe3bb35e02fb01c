"""Deep-learning homework: the student's bench (`skipgrade.lab`) and the judge behind the grades."""

__version__ = "0.1.0"
