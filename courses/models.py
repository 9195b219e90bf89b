"""Modules as loaded from `content/`, and each person's work in them.

A person's work references slugs, not rows, because loading content replaces its rows.
"""

from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.names import NameField
from kit.site import build_absolute_url
from kit.tokens import generate_token

SLUG_LENGTH = 80


class Module(models.Model):
    """A module in one language. `outcomes` and `sources` have the fields of module.md (courses.authoring.schemas)."""

    language = models.CharField(max_length=10)
    slug = models.SlugField(max_length=SLUG_LENGTH)
    title = models.CharField(max_length=200)
    order = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()
    summary = models.TextField()
    # When its facts were last checked against their sources, as display text.
    reviewed = models.CharField(max_length=60)
    intro = models.TextField(blank=True)
    outcomes = models.JSONField()
    sources = models.JSONField()
    quiz_minutes = models.PositiveSmallIntegerField(default=5)
    # The slugs that it had before, which lead here.
    was = models.JSONField(default=list)

    class Meta:
        verbose_name = _("module")
        verbose_name_plural = _("modules")
        ordering = ["order"]
        constraints = [models.UniqueConstraint(fields=["language", "slug"], name="module_once_a_language")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("courses:module", args=[self.slug])


class Lesson(models.Model):
    """`sections` is a list of title, anchor and blocks; see `courses.authoring.blocks` for the blocks."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="lessons")
    slug = models.SlugField(max_length=SLUG_LENGTH)
    order = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    minutes = models.PositiveSmallIntegerField()
    sections = models.JSONField()
    # As in Module.
    was = models.JSONField(default=list)

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        ordering = ["order"]
        constraints = [models.UniqueConstraint(fields=["module", "slug"], name="lesson_once_a_module")]

    def __str__(self) -> str:
        return self.title


class QuizQuestion(models.Model):
    """`options` is a list of id, html, explanation and is_right; exactly one is right."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="questions")
    slug = models.SlugField(max_length=SLUG_LENGTH)
    order = models.PositiveSmallIntegerField()
    html = models.TextField()
    options = models.JSONField()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["order"]
        constraints = [models.UniqueConstraint(fields=["module", "slug"], name="question_once_a_module")]

    def __str__(self) -> str:
        return self.slug


class Passage(models.Model):
    """A section of a lesson, as search finds it. `key` identifies it permanently; the row is replaced on loading."""

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="passages")
    language = models.CharField(max_length=10)
    key = models.CharField(max_length=250)
    title = models.CharField(max_length=200)
    text = models.TextField()
    # Words of people who look for this section that its text doesn't contain (`:::asked`).
    extra_search_words = models.TextField(blank=True)
    search = SearchVectorField()
    # Embedding of `extra_search_words` (encoders.embed); empty in languages that the model doesn't know.
    embedding = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        constraints = [models.UniqueConstraint(fields=["language", "key"], name="passage_once_a_language")]

    def __str__(self) -> str:
        return self.key


class Phrase(models.Model):
    """A search phrase for a passage. `weight` is the summed weight of its words."""

    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="phrases")
    text = models.TextField()
    search = SearchVectorField()
    weight = models.FloatField(default=0)
    embedding = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("phrase")
        verbose_name_plural = _("phrases")

    def __str__(self) -> str:
        return self.text


class LessonWord(models.Model):
    """A word used in lessons, its `lexeme`, and how many passages have it. Used to correct misspelled words."""

    language = models.CharField(max_length=10)
    word = models.TextField()
    lexeme = models.TextField()
    passages = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("lesson word")
        verbose_name_plural = _("lesson words")
        constraints = [
            models.UniqueConstraint(fields=["language", "word", "lexeme"], name="lesson_word_once_a_language")
        ]

    def __str__(self) -> str:
        return self.word


class LibraryVersion(models.Model):
    """The one row whose `version` is replaced when the library changes (courses.retrieval.current_index)."""

    ONLY = 1

    version = models.UUIDField()

    class Meta:
        verbose_name = _("library version")
        verbose_name_plural = _("library versions")

    def __str__(self) -> str:
        return str(self.version)


class Briefing(models.Model):
    """Something that happened on `date`, and why it matters. `sections` has the format of a lesson's."""

    language = models.CharField(max_length=10)
    slug = models.SlugField(max_length=SLUG_LENGTH)
    date = models.DateField()
    title = models.CharField(max_length=200)
    summary = models.TextField()
    sections = models.JSONField()
    sources = models.JSONField()
    # When it was last followed up; None if never.
    followed_up = models.DateField(null=True)

    class Meta:
        verbose_name = _("briefing")
        verbose_name_plural = _("briefings")
        ordering = ["-date", "slug"]
        constraints = [models.UniqueConstraint(fields=["language", "slug"], name="briefing_once_a_language")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("briefings:briefing", args=[self.slug])


class LessonDone(models.Model):
    """A person marked a lesson as done."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lessons_done"
    )
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    lesson_slug = models.SlugField(max_length=SLUG_LENGTH)
    done_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("lesson done")
        verbose_name_plural = _("lessons done")
        constraints = [
            models.UniqueConstraint(fields=["person", "module_slug", "lesson_slug"], name="lesson_done_once")
        ]

    def __str__(self) -> str:
        return f"{self.module_slug}/{self.lesson_slug}"


class QuizAnswer(models.Model):
    """A person's latest answer to a quiz question. It is for learning only; there is no score."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quiz_answers"
    )
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    question_slug = models.SlugField(max_length=SLUG_LENGTH)
    option = models.CharField(max_length=12)
    # The choice before any explanation, to find misleading questions. Empty if unknown, or if a joint module
    # partner made the choice.
    first_option = models.CharField(max_length=12, blank=True, default="")
    answered_at = models.DateTimeField(default=timezone.now)
    # Answered in a joint module: a later answer of either partner may replace it.
    is_joint = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["person", "module_slug", "question_slug"], name="answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.module_slug}/{self.question_slug}"


class ModuleFinished(models.Model):
    """A person had finished a module when its content changed, so that they stay finished (ADR 62).

    Someone who finishes a module as it is now needs no row: that follows from LessonDone and QuizAnswer.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="modules_finished"
    )
    module_slug = models.SlugField(max_length=SLUG_LENGTH)

    class Meta:
        verbose_name = _("finished module")
        verbose_name_plural = _("finished modules")
        constraints = [models.UniqueConstraint(fields=["person", "module_slug"], name="module_finished_once")]

    def __str__(self) -> str:
        return self.module_slug


class Certificate(models.Model):
    """A person finished a module by `issued_on` and asked for a certificate. Anyone with its address can check it.

    It is a snapshot. The person's current progress is in LessonDone and QuizAnswer.
    """

    token = models.CharField(max_length=40, unique=True, default=generate_token, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="certificates"
    )
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    language = models.CharField(max_length=10)
    title = models.CharField(max_length=200)
    lessons = models.PositiveSmallIntegerField()
    questions = models.PositiveSmallIntegerField()
    # Hash of the module's content at the time; see courses.certificates.issuing.compute_edition.
    edition = models.CharField(max_length=16)
    # The name that the owner chose, or empty.
    name = NameField(blank=True)
    issued_on = models.DateField()

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        constraints = [
            models.UniqueConstraint(fields=["person", "module_slug"], name="certificate_once_a_module")
        ]

    def __str__(self) -> str:
        return f"{self.module_slug}, {self.issued_on}"

    def get_absolute_url(self) -> str:
        return reverse("certificates:check", args=[self.token])

    @property
    def address(self) -> str:
        """The full web address at which anyone can check it, as printed."""
        return build_absolute_url(self.get_absolute_url())


class JointModule(models.Model):
    """Two people of a family take a module together, once both have said yes, until one of them continues alone.

    Only valid while their link is active.
    """

    link = models.ForeignKey("families.Link", on_delete=models.CASCADE, related_name="+")
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    # When the other person said yes.
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("joint module")
        verbose_name_plural = _("joint modules")
        constraints = [
            models.UniqueConstraint(fields=["link", "module_slug"], name="joint_module_once_a_link")
        ]

    def __str__(self) -> str:
        return self.module_slug
