"""`python -m skipgrade.cli`."""

from skipgrade.cli.program import run

if __name__ == "__main__":
    run()
