"""`python -m skipgrade.cli`."""

import sys

from skipgrade.cli import main

if __name__ == "__main__":
    sys.exit(main())
