"""Recipes and run folders: the settings of a run, and the results it has already written."""
