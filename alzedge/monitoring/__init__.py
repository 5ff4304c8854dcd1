"""Checks of data: statistics, schema, validation, drift, and the audit of leakage."""
