"""Statistics and drift as HTML pages that need nothing else."""
