"""Cross-validation over people, and recipes compared with each other."""
