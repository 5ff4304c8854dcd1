"""Names of the splits; commands and recipes check them before NumPy is imported."""

SUBJECT = "subject"
SPLITS = ("official", "random", SUBJECT)
