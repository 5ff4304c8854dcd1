"""Slices and volumes of the head: reading them, the frame that they are brought into, and the steps on the way."""
