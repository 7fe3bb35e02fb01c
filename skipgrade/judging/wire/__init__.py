"""[judge's kernel, student's kernel] What two kernels tell each other, and in which form."""
