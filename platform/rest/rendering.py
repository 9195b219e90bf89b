"""How the API writes JSON."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer


class EscapingJSONRenderer(JSONRenderer):
    ensure_ascii = True


class SurrogateSafeJSONRenderer(JSONRenderer):
    """Escapes what UTF-8 cannot encode: an error may quote a lone surrogate from the request."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().render(data, accepted_media_type, renderer_context)
        except UnicodeEncodeError:
            return EscapingJSONRenderer().render(data, accepted_media_type, renderer_context)
