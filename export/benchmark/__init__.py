"""Accuracy, latency, memory and size of models, measured side by side."""
