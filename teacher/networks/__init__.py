"""Teacher networks and the heads on them."""
