"""Google's SimCLRv2 checkpoints: located, read, and used as initial weights."""
