"""Forged hand-ins are tried on the built-in images, with figures that no screen shows."""

from tests.assignments.conftest import builtin_images, own_folder

__all__ = ["builtin_images", "own_folder"]
