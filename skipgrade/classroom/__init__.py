"""The class: release, grade, feedback and report, on nbgrader's own converters."""
