"""The gate: is a new model at least as good as the one that serves, on people whom neither has seen?"""
