"""[grader] What a submission wrote, before anyone looks at it."""
