"""Names of the splits; commands and recipes check them before NumPy is imported."""

SUBJECT = "subject"
# Random slices as much of the literature splits them, for repeating its figures and for nothing else.
LEAKY = "leaky"
SPLITS = ("official", LEAKY, "random", SUBJECT)
