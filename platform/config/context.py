from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest


def site(_request: HttpRequest) -> dict[str, object]:
    """What every page may say of the site itself."""
    return {
        "is_demo": settings.DEMO,
        "tutor_is_demo_model": settings.TUTOR_IS_DEMO_MODEL,
        "contact": parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
    }
