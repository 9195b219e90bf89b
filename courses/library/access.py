"""Who asks, and what an address names: pages fetch and authorise here and nowhere else."""

from django.http import Http404, HttpRequest

from accounts.models import Person
from courses.learning.records import record_of
from courses.library.selectors import Course, course_of
from courses.models import Lesson, Module, Question


def person_of(request: HttpRequest) -> Person:
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - where it is called sign-in is required; this tells the types
    return person


def found_course(request: HttpRequest, slug: str) -> Course:
    """A module as its reader stands in it. Everybody may read; 404 when there is none of this name."""
    try:
        return course_of(slug, record_of(request))
    except Module.DoesNotExist as fault:
        raise Http404 from fault


def found_lesson(course: Course, slug: str) -> Lesson:
    try:
        return course.lesson(slug)
    except Lesson.DoesNotExist as fault:
        raise Http404 from fault


def found_question(course: Course, slug: str) -> Question:
    for question in course.questions:
        if question.slug == slug:
            return question
    raise Http404
