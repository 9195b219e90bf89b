"""Trains the guard's models. Not imported by the site. Model card: docs/guard-model.md."""
