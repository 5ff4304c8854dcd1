"""Fit the record's entry `measures` to answers for people that the student was not trained on, and check its coverage."""
