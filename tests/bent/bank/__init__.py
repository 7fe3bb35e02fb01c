"""Ways in which an honest submission comes in bent.

What Jupyter and Colab do to notebooks, what learning platforms and browsers do to files, and what
students do in a hurry. All of it is to be graded as if nothing had happened.
"""

from tests.bent.bank import cells, metadata, names, notebooks, own_code
from tests.bent.bank.bending import BENDS

__all__ = ["BENDS", "cells", "metadata", "names", "notebooks", "own_code"]
