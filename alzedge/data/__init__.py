"""Data sets: images, who is on them, and how they are split."""
