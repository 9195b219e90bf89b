"""The home page, and the pages about the site, privacy and how to use it."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from courses.learning.records import get_record
from courses.library.selectors import list_reader_modules
from events.selectors import find_next_event
from families.next_steps import find_step_for_page
from inference.location import get_guard_host, is_self_hosted
from kit.languages import get_page_language
from privacy.registry import list_kinds


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    courses = list_reader_modules(get_record(request))
    unfinished = [reader_module for reader_module in courses if not reader_module.progress.is_finished]
    own = [
        reader_module for reader_module in unfinished if reader_module.module.language == get_page_language()
    ]
    begun = [reader_module for reader_module in unfinished if reader_module.progress.is_started]
    page = {
        "courses": courses,
        "reader_module": next(iter(begun or own or unfinished or courses), None),
        "event": find_next_event(),
        "step": find_step_for_page(request),
    }
    return render(request, "pages/home.html", page)


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    page = {
        "kinds": list_kinds(),
        "is_self_hosted": is_self_hosted(),
        "guard_host": get_guard_host(),
        "model_host": urlsplit(settings.TUTOR_BASE_URL).hostname,
    }
    return render(request, "pages/privacy.html", page)


@require_safe
def how_to_use(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/using.html")


# Every page has this form. A CSRF token would set a cookie for each visitor and keep pages out of shared caches, and a
# forged request could only change the language.
choose_language = csrf_exempt(require_POST(set_language))
