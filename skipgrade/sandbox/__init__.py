"""Kernels for code nobody has read yet. Knows nothing of grading."""

from skipgrade.sandbox.confinement import PROTECTIONS
from skipgrade.sandbox.confinement import missing as missing_protections
from skipgrade.sandbox.kernels import async_kernel_manager, kernel_manager
from skipgrade.sandbox.provisioner import (
    SandboxMissingError,
    SandboxProvisioner,
    demand_protection,
    sharing,
)
from skipgrade.sandbox.zygotes import prepare

__all__ = [
    "PROTECTIONS",
    "SandboxMissingError",
    "SandboxProvisioner",
    "async_kernel_manager",
    "demand_protection",
    "kernel_manager",
    "missing_protections",
    "prepare",
    "sharing",
]
