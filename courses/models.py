"""Modules as they were loaded from `content/`, and what each person has done of them.

What was done points at slugs and never at rows: loading content again replaces its rows, and progress stays.
"""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
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
    language = models.CharField(max_length=10)
    slug = models.SlugField(max_length=SLUG_LENGTH)
    title = models.CharField(max_length=200)
    order = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()
    summary = models.TextField()
    # When somebody last held its facts against their sources, as people say it.
    reviewed = models.CharField(max_length=60)
    intro = models.TextField(blank=True)
    outcomes = models.JSONField()
    sources = models.JSONField()

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
    """`sections` is a list of title, anchor and blocks; `courses.authoring.blocks` says what a block holds."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="lessons")
    slug = models.SlugField(max_length=SLUG_LENGTH)
    order = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    minutes = models.PositiveSmallIntegerField()
    sections = models.JSONField()

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
    """One section of a lesson, as it is found by a question. `key` is its address and outlives its row."""

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="passages")
    language = models.CharField(max_length=10)
    key = models.CharField(max_length=250)
    title = models.CharField(max_length=200)
    text = models.TextField()
    # Words and questions under which it should be found, though it does not say them.
    asked = models.TextField(blank=True)
    search = SearchVectorField()
    # What `asked` means (encoders.embed); nothing in a language that the network does not know.
    embedding = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        indexes = [GinIndex(fields=["search"], name="passage_search")]
        constraints = [models.UniqueConstraint(fields=["language", "key"], name="passage_once_a_language")]

    def __str__(self) -> str:
        return self.key


class Phrase(models.Model):
    """A way in which somebody asks for a passage. `weight` is what its words weigh, `embedding` what it means."""

    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="phrases")
    text = models.TextField()
    search = SearchVectorField()
    weight = models.FloatField(default=0)
    embedding = models.BinaryField(default=b"")

    class Meta:
        verbose_name = _("phrase")
        verbose_name_plural = _("phrases")
        indexes = [GinIndex(fields=["search"], name="phrase_search")]

    def __str__(self) -> str:
        return self.text


class Term(models.Model):
    """A word that lessons use, as it is written, and how many passages have its `lexeme`: a slip is read by it."""

    language = models.CharField(max_length=10)
    word = models.TextField()
    lexeme = models.TextField()
    passages = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        indexes = [
            models.Index(fields=["language", "lexeme"], name="term_lexeme"),
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="term_alike"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["language", "word", "lexeme"], name="term_once_a_language")
        ]

    def __str__(self) -> str:
        return self.word


class Briefing(models.Model):
    """Something that happened on `date`, and why it matters. `sections` are as those of a lesson."""

    language = models.CharField(max_length=10)
    slug = models.SlugField(max_length=SLUG_LENGTH)
    date = models.DateField()
    title = models.CharField(max_length=200)
    summary = models.TextField()
    sections = models.JSONField()
    sources = models.JSONField()
    # When somebody last looked into what has become of it; empty if nobody has.
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
    """A person has read a lesson to its end, and said so."""

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
    """A person's last answer to a question. It serves their learning; nobody is scored by it."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quiz_answers"
    )
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    question_slug = models.SlugField(max_length=SLUG_LENGTH)
    option = models.CharField(max_length=12)
    # What was chosen before anything was explained: it tells which question misleads. Empty where that is not known,
    # and for whoever was not the one to choose.
    first_option = models.CharField(max_length=12, blank=True, default="")
    answered_at = models.DateTimeField(default=timezone.now)
    # Given while the module was taken together, by either of the two: a later one of theirs may replace it.
    is_joint = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["person", "module_slug", "question_slug"], name="answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.module_slug}/{self.question_slug}"


class Certificate(models.Model):
    """Somebody had done a module on `issued_on`, and asked for that on paper. Whoever has its address can check it.

    It says what was so on that day, in words of that day. Nothing is worked out from it: what somebody has done of
    the module as it is now is in LessonDone and Answer.
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
    # courses.certificates.issuing: a short hash of what there was to read and to answer.
    edition = models.CharField(max_length=16)
    # As they wished to be named on it, which may be not at all.
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
        """Where anybody can check it, as it stands on paper."""
        return build_absolute_url(self.get_absolute_url())


class JointModule(models.Model):
    """Two of a family take a module together once both have said yes. It is there until one of them goes on alone.

    It counts while their link stands: when that ends, so does this.
    """

    link = models.ForeignKey("families.Link", on_delete=models.CASCADE, related_name="+")
    module_slug = models.SlugField(max_length=SLUG_LENGTH)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    # The other one's yes.
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("joint module")
        verbose_name_plural = _("joint modules")
        constraints = [
            models.UniqueConstraint(fields=["link", "module_slug"], name="joint_module_once_a_link")
        ]

    def __str__(self) -> str:
        return self.module_slug
