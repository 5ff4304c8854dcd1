"""Building the template of the frame from the Kaggle set and OASIS-1's volumes."""
