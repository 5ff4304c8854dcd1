"""Names of the splits; commands and recipes check them before NumPy is imported."""

SPLITS = ("official", "random", "subject")
