"""The page itself: its layout, what each control does, labelling, and its JSON endpoints."""
