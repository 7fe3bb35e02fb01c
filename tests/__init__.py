"""Everything pytest finds, and what it needs."""

import gc

# So much is imported here that looking through it for garbage, as often as Python does, takes a
# quarter of the tests' time.
gc.set_threshold(50_000, 10, 5)
