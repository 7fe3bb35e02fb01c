"""What two submissions have in common: a list to look at, never a verdict."""
