"""Kernels for code nobody has read yet. Knows nothing of grading."""

from skipgrade.sandbox.confinement import PROTECTIONS
from skipgrade.sandbox.confinement import missing as missing_protections
from skipgrade.sandbox.kernels import async_kernel_manager, kernel_manager
from skipgrade.sandbox.provisioner import sharing

__all__ = [
    "PROTECTIONS",
    "async_kernel_manager",
    "kernel_manager",
    "missing_protections",
    "sharing",
]
