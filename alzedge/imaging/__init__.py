"""Slices and volumes: file formats, geometry, preprocessing, phantoms."""
