"""Commands on statistics, schema, validation and drift."""
