"""Metrics with bootstrap intervals: per slice, per person, per task, and those of baselines."""
