"""The registry of models: numbered versions in MLflow, who serves, who served before, and what each was made from."""
