"""Everything pytest finds, and what it needs."""

import gc

# Looking for garbage as often as Python does takes a third of the tests' time, and half of their
# imports': so much is imported here.
gc.set_threshold(50_000, 10, 5)
