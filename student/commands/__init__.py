"""The command `alzedge distill`."""
