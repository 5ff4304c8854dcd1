"""The student: three convolutions, taught by the teacher's soft targets (Keras 3)."""
