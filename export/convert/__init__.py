"""Conversion of the student to each file format."""
