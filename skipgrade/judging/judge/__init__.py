"""[judge's kernel] Where the solution lives: who answers, what was handed in, and the verdicts."""
