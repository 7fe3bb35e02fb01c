"""[grader] From what a student handed in to plain files and a sound notebook."""
