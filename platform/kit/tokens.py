"""Tokens that nobody can guess, for links that open something to whoever holds them."""

import secrets


def generate_token() -> str:
    return secrets.token_urlsafe(24)
