"""The life of a model as a pipeline: ingest, stats, validate, train, evaluate, gate, push."""
