"""The networks a teacher can be, and the heads on them."""
