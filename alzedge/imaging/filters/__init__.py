"""Pixel operations behind the preprocessing steps."""
