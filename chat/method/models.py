"""What a turn's row knows of how it helps with homework (ADR 68)."""

from django.db import models

from chat.method.ladder import HelpStep, LadderState
from chat.method.reading import FollowUp

MAX_SITE_TEXT_LENGTH = 40


class MethodFields(models.Model):
    """The state of the conversation after a turn, and what its question asked of the turn before."""

    # What the question is by its own words (a QuestionKind); "" for a turn that the guard ended.
    kind = models.CharField(max_length=10, blank=True)
    step = models.CharField(max_length=12, blank=True)
    # How many hints were given for the task, and whether its learner has shown an attempt.
    hints = models.PositiveSmallIntegerField(default=0)
    has_attempt = models.BooleanField(default=False)
    follow_up = models.CharField(max_length=12, blank=True)
    # The turn whose answer a follow-up is about, and the turn that asked the task which is open.
    about = models.ForeignKey("chat.Turn", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    task = models.ForeignKey("chat.Turn", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Whether its page asks for grade and goal, once in a conversation.
    asks_level = models.BooleanField(default=False)
    # The fixed text of this site that answered in place of a model, with its version (chat.method.about_tutor).
    site_text = models.CharField(max_length=MAX_SITE_TEXT_LENGTH, blank=True)
    # The practice quiz that it ended with (chat.method.quizzes), and the number of the option chosen for each question.
    quiz = models.JSONField(null=True, blank=True)
    quiz_choices = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True

    @property
    def ladder(self) -> LadderState:
        """The state of the conversation after this turn."""
        step = HelpStep(self.step)
        is_open = self.task_id is not None or step is not HelpStep.NONE
        return LadderState(is_open=is_open, step=step, hints=self.hints, has_attempt=self.has_attempt)

    @property
    def asks_for_quiz(self) -> bool:
        return self.follow_up == FollowUp.QUIZ
