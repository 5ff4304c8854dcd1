"""Removes identity from DICOM, NIfTI and image files by an allow-list."""
