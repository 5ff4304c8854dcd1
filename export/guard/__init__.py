"""Fit the guard against images that are not axial brain slices, and choose the operating threshold."""
