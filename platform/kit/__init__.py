"""Helpers that several rooms share. No models and no import of another room. All of it is public."""
