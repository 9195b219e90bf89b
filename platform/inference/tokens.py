"""How many tokens a text is, before any model has counted them."""

import math

# A chat template wraps every message in a few tokens of its own (role, start and end marks).
TOKENS_A_MESSAGE = 8
# English prose is near 4.2 bytes a token in the byte-level vocabularies in use; 3 leaves room for the
# vocabulary of a small model and for words that it has to spell.
BYTES_A_TOKEN_OF_PROSE = 3


def tokens_likely(text: str) -> int:
    """An estimate of one message's tokens, mark-up included: for billing where a provider counts nothing."""
    return math.ceil(len(text.encode()) / 4) + TOKENS_A_MESSAGE


def tokens_at_most(text: str) -> int:
    """A bound on one message's tokens, mark-up included: what a hold has to cover.

    Prose is bounded by its bytes over three. Text of other kinds (symbols, other scripts) can come to one
    token a byte, so each byte outside ASCII letters, digits and spaces counts whole.
    """
    raw = text.encode()
    plain = sum(1 for byte in raw if byte < 128 and (chr(byte).isalnum() or byte == 32))  # noqa: PLR2004
    return math.ceil(plain / BYTES_A_TOKEN_OF_PROSE) + (len(raw) - plain) + TOKENS_A_MESSAGE
