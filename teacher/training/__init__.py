"""The training loop that teacher and student share, with its losses, optimizers and augmentations."""
