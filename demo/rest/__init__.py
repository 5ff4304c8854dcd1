"""Endpoints of TensorFlow Serving and KServe, beside the page and without its queue; figures for Prometheus."""
