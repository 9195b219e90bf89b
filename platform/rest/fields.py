from typing import Any

from rest_framework import serializers

from kit.texts import normalize_text


class ProseField(serializers.CharField):
    """Text of many words, normalised before it is counted (kit.texts)."""

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        return normalize_text(text)
