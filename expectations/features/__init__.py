"""Gates on what the models learn from."""
