"""[judge's kernel] Checks: each evaluates the same expression in both kernels and compares.

Every check takes `hint` (one thing to look at, shown with the failure) and `worth`: None, and
failing costs the whole cell; or the share of the cell's points that failing costs.
"""

from skipgrade.judging.checks.checks import Checks

__all__ = ["Checks"]
