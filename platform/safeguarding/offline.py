"""An offline copy of the help lines: a page for it, and the service worker that keeps it in the browser.

The copy has nothing about anyone. OFFLINE_HELP=false removes it from every browser that comes back.
"""

import hashlib
import json
from functools import cache
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from safeguarding.helplines import get_country_help, list_usable_countries

WORKER = Path(__file__).with_name("offline_worker.js")
STYLES = (
    "css/tokens.css",
    "css/base.css",
    "css/layout.css",
    "css/components.css",
    "css/pages.css",
    "css/help.css",
)
FONTS = ("fonts/atkinson-hyperlegible-next.woff2", "fonts/besley.woff2")
# What the browser runs instead of the worker if the site allows no copy.
REMOVING_WORKER = """\
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(removeCopy()));
async function removeCopy() {
  for (const name of await caches.keys()) if (name.startsWith("help-")) await caches.delete(name);
  await registration.unregister();
}
"""


@require_safe
@cache_control(public=True, max_age=300)
def page(_request: HttpRequest, language: str) -> HttpResponse:
    """Show the help lines as the browser keeps them: in one language, without a link that needs this site."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return HttpResponse(render_offline_page(language))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker for the language in `language`. A changed script replaces the one in a browser."""
    script = build_worker(request.GET.get("language", "")) if settings.OFFLINE_HELP else REMOVING_WORKER
    response = HttpResponse(script, content_type="text/javascript", status=HTTPStatus.OK)
    response.headers["Service-Worker-Allowed"] = "/"
    patch_cache_control(response, no_cache=True)
    return response


def build_worker(language: str) -> str:
    """Return the worker's script: what it keeps, and under which version."""
    known = dict(settings.LANGUAGES)
    kept = {
        "version": get_version(),
        "page": reverse(
            "safeguarding:offline", args=[language if language in known else settings.LANGUAGE_CODE]
        ),
        "pages": [reverse("safeguarding:offline", args=[code]) for code in known],
        "assets": [static(name) for name in (*STYLES, *FONTS)],
        "help": reverse("safeguarding:help_now"),
        "leave": reverse("safeguarding:leave"),
    }
    return f"const KEPT = {json.dumps(kept)};\n{WORKER.read_text(encoding='utf-8')}"


@cache
def get_version() -> str:
    """Return the start of the hash of everything that a browser keeps."""
    kept = hashlib.sha256()
    for code, _name in settings.LANGUAGES:
        kept.update(render_offline_page(code).encode())
    for name in (*STYLES, *FONTS):
        kept.update(Path(str(finders.find(name))).read_bytes())
    return kept.hexdigest()[:12]


def render_offline_page(language: str) -> str:
    """Render the page in one language. Needs no database."""
    with translation.override(language):
        first = get_country_help(settings.HELP_COUNTRY)
        context = {
            "first": first,
            "others": [country for country in list_usable_countries() if country != first],
            "styles": STYLES,
            "languages": [
                (code, translation.get_language_info(code)["name_local"])
                for code, _name in settings.LANGUAGES
                if code != language
            ],
        }
        return render_to_string("safeguarding/help_offline.html", context)
