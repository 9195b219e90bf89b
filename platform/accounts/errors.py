class TooYoung(Exception):
    """Somebody is not yet thirteen, so no account may be made. Nothing of what they typed is kept."""
