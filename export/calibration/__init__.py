"""Fit the record's entry `measures` to answers for people not trained on, and check its coverage."""
