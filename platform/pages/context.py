from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from families.pending_requests import get_pending_requests


def site(request: HttpRequest) -> dict[str, object]:
    """Template variables about the site itself."""
    return {
        "is_demo": settings.DEMO,
        "tutor_is_demo_model": settings.TUTOR_IS_DEMO_MODEL,
        "organization": settings.ORGANIZATION,
        "contact": parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        # Lazy, because many pages and fragments do not show it and need no database.
        "family_requests": SimpleLazyObject(lambda: get_pending_requests(request)),
    }
