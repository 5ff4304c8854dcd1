"""Check a split of a data set: does it leak people, and what do baselines reach on it?"""
