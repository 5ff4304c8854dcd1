"""The commands `alzedge train` and `alzedge probe`."""
