"""The settings of Django REST framework and drf-spectacular (docs/adr/0015)."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest.session.SiteSessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest.rendering.SurrogateSafeJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest.parsing.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "rest.problems.handle_exception",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kitchen Table",
    "DESCRIPTION": (
        "The tutor’s API, for programs that use a signed-in person’s session. Requests that change something send the "
        "session’s CSRF token in the header X-CSRFToken. Errors are application/problem+json; /api/v1/problems lists "
        "the problem types."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Serializers have it under several names: what was asked, and what can be asked.
    "ENUM_NAME_OVERRIDES": {"FollowUpEnum": "chat.api.practice_serializers.FOLLOW_UPS"},
}
