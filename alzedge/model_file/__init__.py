"""Model files that explain themselves: the record inside, and how it is written and read."""
