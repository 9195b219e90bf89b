"""The home page, and the pages about the site, privacy and how to use it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from courses.learning.records import get_record
from courses.library.selectors import list_reader_modules
from events.selectors import find_next_event
from families.next_steps import find_step_for_page
from inference.location import find_outside_guard_host
from kit.languages import get_page_language
from privacy.registry import list_kinds
from routing.registry import list_models, list_outside_hosts


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    reader_modules = list_reader_modules(get_record(request))
    unfinished = [reader_module for reader_module in reader_modules if not reader_module.progress.is_finished]
    own = [
        reader_module for reader_module in unfinished if reader_module.module.language == get_page_language()
    ]
    begun = [reader_module for reader_module in unfinished if reader_module.progress.is_started]
    page = {
        "reader_modules": reader_modules,
        "reader_module": next(iter(begun or own or unfinished or reader_modules), None),
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
        "model_hosts": list_outside_hosts(),
        "has_local_models": any(model.is_local for model in list_models()),
        "guard_host": find_outside_guard_host(),
    }
    return render(request, "pages/privacy.html", page)


@require_safe
def how_to_use(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/using.html")


# Every page has this form. A CSRF token would set a cookie for each visitor and keep pages out of shared caches, and a
# forged request could only change the language.
choose_language = csrf_exempt(require_POST(set_language))
