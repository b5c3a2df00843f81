"""Gates on what the departments deliver, one module per department."""
