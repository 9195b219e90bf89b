from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from courses.certificates.issuing import has_certificate
from courses.learning.joint_modules import list_joint_module_requests, list_partners, list_possible_partners
from courses.learning.progress import QUIZ_STEP
from courses.learning.records import SESSION_KEY as LEARNED
from courses.learning.records import get_record
from courses.library.pages import (
    build_module_context,
    build_questions,
    build_sections,
    build_sheet_context,
    build_step_context,
    find_conversation_guide,
    get_lesson_or_404,
    get_question_or_404,
    get_reader_module_or_404,
    has_block,
)
from courses.library.renamed import leads_on
from courses.library.results import MAX_QUERY_LENGTH, clean_query, search_lessons
from courses.library.selectors import ReaderModule, list_reader_modules
from courses.selectors import list_modules
from kit.free_text import free_text_fields
from kit.rate_limits import ClientRateLimit, RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from safeguarding.crisis import build_cards_for_search

searches = ClientRateLimit("searches", person="60/minute", network="600/minute", everyone="1800/minute")
# Far more than a reader needs.
reader_steps = RateLimit("steps, reader", "120/minute")
# A visitor's first step creates a session; this limits how many.
first_steps = ClientRateLimit(
    "first steps", person="120/minute", network="1200/10minutes", everyone="12000/10minutes"
)


def count_step(request: HttpRequest) -> None:
    """Count one step against the limits: by person, by the visitor's session, or by client without a session."""
    if request.user.is_authenticated:
        reader_steps.hit("person", request.user.pk)
        return
    # Load the session first: an expired one keeps its key until it is loaded.
    request.session.get(LEARNED)
    if request.session.session_key:
        reader_steps.hit("visitor", request.session.session_key)
    else:
        first_steps.hit(request)


@require_safe
def modules(request: HttpRequest) -> HttpResponse:
    courses = list_reader_modules(get_record(request))
    by_slug = {reader_module.module.slug: reader_module.module for reader_module in courses}
    requests = [
        (joint.requested_by, by_slug.get(joint.module_slug))
        for joint in list_joint_module_requests(request.user)
    ]
    return render(request, "courses/modules.html", {"courses": courses, "joint_module_requests": requests})


@require_safe
@free_text_fields("q")
def search(request: HttpRequest) -> HttpResponse:
    """Show matching lessons, or all modules if there are none or the query is empty."""
    words = clean_query(request.GET.get("q", ""))
    error = None
    try:
        if words:
            searches.hit(request)
    except RateLimited as exceeded:
        error = exceeded
    results = search_lessons(words) if words and not error else []
    page = {
        "error": format_rate_limited(error) if error else "",
        "words": words,
        "longest": MAX_QUERY_LENGTH,
        "lessons_found": results,
        "modules": [] if results else list_modules(),
        "cards": build_cards_for_search(request, words),
    }
    response = render(request, "courses/search.html", page)
    response.headers["X-Robots-Tag"] = "noindex"
    return mark_rate_limited(response, error) if error else response


@require_safe
@leads_on
def module(request: HttpRequest, module: str) -> HttpResponse:
    reader_module = get_reader_module_or_404(request, module)
    page = build_module_context(reader_module) | {
        "conversation_guide": find_conversation_guide(reader_module, get_record(request)),
        "possible_partners": list_possible_partners(reader_module.module.slug, request.user),
        # True even if the module has grown since: the certificate can still be withdrawn.
        "has_certificate": reader_module.progress.is_started
        and has_certificate(request.user, reader_module.module.slug),
    }
    return render(request, "courses/module.html", page)


@require_safe
@leads_on
def sheet(request: HttpRequest, module: str) -> HttpResponse:
    return render(
        request, "courses/sheet.html", build_sheet_context(get_reader_module_or_404(request, module))
    )


@require_safe
@leads_on
def lesson(request: HttpRequest, module: str, lesson: str) -> HttpResponse:
    reader_module = get_reader_module_or_404(request, module)
    lesson_text = get_lesson_or_404(reader_module, lesson)
    page = build_step_context(reader_module, lesson_text.slug) | {
        "lesson": lesson_text,
        "sections": build_sections(reader_module, lesson_text),
        "has_calculator": has_block(lesson_text, "calculator"),
        "partners": list_partners(module, request.user),
        # Of the quiz that the tutor may be asked for: sending the form twice asks once.
        "new_id": uuid4(),
    }
    return render(request, "courses/lesson.html", page)


@require_POST
@leads_on
def lesson_done(request: HttpRequest, module: str, lesson: str) -> HttpResponse:
    """Mark a lesson as done and go to the next step, or to the conversation guide after the last one."""
    count_step(request)
    reader_module = get_reader_module_or_404(request, module)
    lesson_text = get_lesson_or_404(reader_module, lesson)
    get_record(request).mark_lesson_done(reader_module.module.slug, lesson_text.slug)
    if reader_module.progress.ends_with(lesson_text.slug):
        return redirect(f"{reader_module.module.get_absolute_url()}#conversation-guide")
    after = build_step_context(reader_module, lesson_text.slug)["after"]
    return redirect(after.url if after else reader_module.module)


@require_safe
@leads_on
def quiz(request: HttpRequest, module: str) -> HttpResponse:
    return _render_quiz(request, get_reader_module_or_404(request, module))


def _render_quiz(
    request: HttpRequest, reader_module: ReaderModule, *, missed: str = "", status: int = 200
) -> HttpResponse:
    page: dict[str, Any] = build_step_context(reader_module, QUIZ_STEP) | {
        "questions": build_questions(reader_module, missed=missed),
        "conversation_guide": find_conversation_guide(reader_module, get_record(request)),
        "partners": list_partners(reader_module.module.slug, request.user),
    }
    return render(request, "courses/quiz.html", page, status=status)


@require_POST
@leads_on
def answer(request: HttpRequest, module: str, question: str) -> HttpResponse:
    """Record the reader's choice and show its explanation. A choice can be changed at any time."""
    count_step(request)
    reader_module = get_reader_module_or_404(request, module)
    quiz_question = get_question_or_404(reader_module, question)
    option = request.POST.get("option", "")
    if option not in {other["id"] for other in quiz_question.options}:
        return _render_quiz(request, reader_module, missed=quiz_question.slug, status=422)
    get_record(request).record_answer(reader_module.module.slug, quiz_question.slug, option)
    return redirect(f"{reverse('courses:quiz', args=[module])}#{quiz_question.slug}")
