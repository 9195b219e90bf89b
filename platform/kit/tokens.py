"""Unguessable tokens for links that need no sign-in."""

import secrets


def generate_token() -> str:
    return secrets.token_urlsafe(24)
