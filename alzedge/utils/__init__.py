"""Files, archives, optional packages, progress, processes."""
