"""Verify that an exported file answers as the Keras student does."""
