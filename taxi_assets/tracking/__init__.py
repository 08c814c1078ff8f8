"""MLflow: what was tried, how good it was, which model serves, and how to go back."""
