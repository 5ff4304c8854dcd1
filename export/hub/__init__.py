"""The model card, and what is published on the Hugging Face Hub."""
