"""The server of the page: limits, uploads, endpoints."""
