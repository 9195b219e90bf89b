from typing import Any

from rest_framework import serializers

from kit.texts import normalize_text


class ProseField(serializers.CharField):
    """Free text, normalized before its length is checked (kit.texts)."""

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        return normalize_text(text)
