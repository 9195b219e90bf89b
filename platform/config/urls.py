"""The root URLconf: the one module that may import every room's URLs."""

import anymail.urls
from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

handler400 = "pages.error_pages.bad_request"
handler404 = "pages.error_pages.not_found"
handler429 = "pages.error_pages.rate_limited"
handler500 = "pages.error_pages.server_error"

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Where an email provider reports bounces. Without a provider there is no such URL.
MAIL_WEBHOOKS = [
    path("mail/webhook/", pattern.callback)
    for pattern in anymail.urls.urlpatterns
    if settings.MAIL_WEBHOOK_SECRET and pattern.name == f"{settings.MAIL_PROVIDER}_tracking_webhook"
]

urlpatterns = [
    *MAIL_WEBHOOKS,
    path("", include("pages.urls")),
    path("", include("accounts.urls")),
    path("", include("accounts.library_urls")),
    path("", include("privacy.urls")),
    path("help/", include("safeguarding.urls")),
    path("review/", include("safeguarding.reviewer_pages.urls")),
    path("family/", include("families.urls")),
    path("learn/", include("courses.urls")),
    path("certificates/", include("courses.certificates.urls")),
    path("labs/", include("labs.urls")),
    path("briefings/", include("courses.briefings.urls")),
    path("events/", include("events.urls")),
    path("tutor/", include("chat.urls")),
    path("mail/", include("mail.urls")),
    path("team/", include("desk.joining_urls")),
    path("admin/desk/", include("desk.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("rest.urls")),
    path("api/v1/", include("budgets.urls")),
    path("api/v1/", include("chat.api.urls")),
]
