"""Which words somebody had before them when they did a module."""

import hashlib
import json

from courses.models import Module

EDITION_LENGTH = 12


def edition_of(module: Module) -> str:
    """A short hash of what there is to read and to answer: another one as soon as a word of it is changed."""
    words = {
        "title": module.title,
        "intro": module.intro,
        "lessons": [[lesson.slug, lesson.title, lesson.sections] for lesson in module.lessons.all()],
        "questions": [[asked.slug, asked.html, asked.options] for asked in module.questions.all()],
    }
    text = json.dumps(words, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:EDITION_LENGTH]
