class ModelFileError(ValueError):
    """A model's files are missing, or are not the ones that its card names."""
