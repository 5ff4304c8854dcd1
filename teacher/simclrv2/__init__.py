"""Google's SimCLRv2 checkpoints: found, read, and used as a start."""
