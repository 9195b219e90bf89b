from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from courses.certificates.issuing import has_certificate
from courses.learning.progress import QUIZ
from courses.learning.records import SESSION_KEY as LEARNED
from courses.learning.records import record_of
from courses.learning.together import asks_to, companions_in, company_in
from courses.library.pages import (
    found_course,
    found_lesson,
    found_question,
    module_page,
    next_talk,
    questions_shown,
    sections_of,
    sheet_page,
    step_page,
)
from courses.library.results import LONGEST, asked_for, lessons_find
from courses.library.selectors import Course, courses_of
from courses.selectors import modules_shown
from kit.free_text import reads_free_text
from kit.throttles import AskerThrottle, Throttle, TooOften, slowed, too_often_said
from safeguarding.crisis import build_cards_for_search

searches = AskerThrottle("searches", person="60/minute", network="600/minute", everyone="1800/minute")
# Far above anybody who reads.
steps_of_one_reader = Throttle("steps, reader", "120/minute")
# A visitor's first step makes a session, and nobody needs thousands of them.
first_steps = AskerThrottle(
    "first steps", person="120/minute", network="1200/10minutes", everyone="12000/10minutes"
)


def count_step(request: HttpRequest) -> None:
    """Count one step by the reader: a person, a visitor who has a session, or else one who is about to get one."""
    if request.user.is_authenticated:
        steps_of_one_reader.hit("person", request.user.pk)
        return
    # Asked first, as a session that is over still has its key until then.
    request.session.get(LEARNED)
    if request.session.session_key:
        steps_of_one_reader.hit("visitor", request.session.session_key)
    else:
        first_steps.hit(request)


@require_safe
def modules(request: HttpRequest) -> HttpResponse:
    courses = courses_of(record_of(request))
    by_slug = {course.module.slug: course.module for course in courses}
    asks = [(ask.asked_by, by_slug.get(ask.module_slug)) for ask in asks_to(request.user)]
    return render(request, "courses/modules.html", {"courses": courses, "asks": asks})


@require_safe
@reads_free_text("q")
def search(request: HttpRequest) -> HttpResponse:
    """The lessons that speak of what was typed. Where none does, or nothing was, the modules there are."""
    words = asked_for(request.GET.get("q", ""))
    refusal = None
    try:
        if words:
            searches.hit(request)
    except TooOften as too_often:
        refusal = too_often
    found = lessons_find(words) if words and not refusal else []
    page = {
        "trouble": too_often_said(refusal) if refusal else "",
        "words": words,
        "longest": LONGEST,
        "found": found,
        "modules": [] if found else modules_shown(),
        "cards": build_cards_for_search(request, words),
    }
    response = render(request, "courses/search.html", page)
    response.headers["X-Robots-Tag"] = "noindex"
    return slowed(response, refusal) if refusal else response


@require_safe
def module(request: HttpRequest, module: str) -> HttpResponse:
    course = found_course(request, module)
    page = module_page(course) | {
        "talk": next_talk(course, record_of(request)),
        "company": company_in(course.module.slug, request.user),
        # Asked also where the module has grown since: it can still be withdrawn.
        "has_certificate": course.progress.is_begun and has_certificate(request.user, course.module.slug),
    }
    return render(request, "courses/module.html", page)


@require_safe
def sheet(request: HttpRequest, module: str) -> HttpResponse:
    return render(request, "courses/sheet.html", sheet_page(found_course(request, module)))


@require_safe
def lesson(request: HttpRequest, module: str, lesson: str) -> HttpResponse:
    course = found_course(request, module)
    found = found_lesson(course, lesson)
    page = step_page(course, found.slug) | {
        "lesson": found,
        "sections": sections_of(course, found),
        "companions": companions_in(module, request.user),
    }
    return render(request, "courses/lesson.html", page)


@require_POST
def lesson_done(request: HttpRequest, module: str, lesson: str) -> HttpResponse:
    """Write down that a lesson was read, and go on to what comes next: after the last of all, the talk."""
    count_step(request)
    course = found_course(request, module)
    found = found_lesson(course, lesson)
    record_of(request).lesson_done(course.module.slug, found.slug)
    if course.progress.ends_with(found.slug):
        return redirect(f"{course.module.get_absolute_url()}#talk")
    after = step_page(course, found.slug)["after"]
    return redirect(after.url if after else course.module)


@require_safe
def quiz(request: HttpRequest, module: str) -> HttpResponse:
    return _quiz(request, found_course(request, module))


def _quiz(request: HttpRequest, course: Course, *, missed: str = "", status: int = 200) -> HttpResponse:
    page: dict[str, Any] = step_page(course, QUIZ) | {
        "questions": questions_shown(course, missed=missed),
        "talk": next_talk(course, record_of(request)),
        "companions": companions_in(course.module.slug, request.user),
    }
    return render(request, "courses/quiz.html", page, status=status)


@require_POST
def answer(request: HttpRequest, module: str, question: str) -> HttpResponse:
    """Keep a reader's choice and show what is to be said of it. A choice may be changed at any time."""
    count_step(request)
    course = found_course(request, module)
    asked = found_question(course, question)
    option = request.POST.get("option", "")
    if option not in {known["id"] for known in asked.options}:
        return _quiz(request, course, missed=asked.slug, status=422)
    record_of(request).question_answered(course.module.slug, asked.slug, option)
    return redirect(f"{reverse('courses:quiz', args=[module])}#{asked.slug}")
