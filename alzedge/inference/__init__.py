"""Inference on the device: a model file, images in, answers out."""
