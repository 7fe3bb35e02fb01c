"""[grader] nbgrader's preprocessors, and what they need to run a notebook and have it judged."""
