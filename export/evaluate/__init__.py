"""Evaluation of model files and stored predictions on labelled slices."""
