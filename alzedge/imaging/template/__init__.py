"""The average brain and the intracranial mask of the frame, and how they were made."""
