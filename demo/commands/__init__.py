"""The commands `alzedge demo` and `alzedge space`."""
