"""Gates on what is about to be published."""
