"""The page: a Gradio app that is a Hugging Face Space as it stands."""
