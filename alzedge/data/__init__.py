"""Data sets: loading, subjects, folds and splits."""
