"""The views of the desk, a module for each group of pages."""
