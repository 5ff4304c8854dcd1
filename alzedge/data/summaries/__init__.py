"""Summaries of a data set as text: people, slices, splits and proof, and the balance of its parts."""
