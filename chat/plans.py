"""What plans give a person, in answers, words and models instead of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Person
from budgets.models import PeriodLength, Plan
from budgets.selectors import SHORT_ANSWER_TOKENS, list_comparable_plans
from families.gate import get_tutor_gate
from families.terms import Terms
from kit.memory_policy import MemoryPolicy
from routing.formatting import format_dollars
from routing.models import TutorModel
from routing.ranking import rank_models
from routing.registry import list_models

# English and Spanish words for a token, about.
WORDS_PER_TOKEN = 0.7
# Figures are rounded to this many words: they are estimates.
WORD_STEP = 50
# The rest of a model's context, beside its answer, has room for memory.
INSTRUCTIONS_AND_QUESTION_TOKENS = 500


@dataclass(frozen=True)
class PlanSummary:
    """What a plan gives, as far as the models allow it."""

    plan: Plan
    is_own: bool
    # In the order in which they are tried for a person on this plan.
    models: Sequence[TutorModel]

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def short_answers(self) -> int | None:
        """How many short answers a period has; None means no limit."""
        return None if self.plan.tokens is None else self.plan.tokens // SHORT_ANSWER_TOKENS

    @property
    def answer_words(self) -> int:
        longest = max((model.answer_tokens for model in self.models), default=0)
        return _count_words(min(longest, self.plan.answer_tokens or longest))

    @property
    def memory_words(self) -> int:
        room = max(
            (
                model.context_tokens - model.answer_tokens - INSTRUCTIONS_AND_QUESTION_TOKENS
                for model in self.models
            ),
            default=0,
        )
        match self.plan.memory_policy:
            case MemoryPolicy.NONE:
                return 0
            case MemoryPolicy.FULL:
                return _count_words(max(0, room))
        return _count_words(min(max(0, room), self.plan.memory_tokens))

    @property
    def allowance_text(self) -> str:
        limits = []
        if self.short_answers is not None:
            limits.append(_format_answers(self.short_answers, PeriodLength(self.plan.period_length)))
        if self.plan.microdollars is not None:
            limits.append(_format_money(self.plan.microdollars, PeriodLength(self.plan.period_length)))
        return "; ".join(limits) or _("No limit")

    @property
    def answer_text(self) -> str:
        return _("Up to about %(count)d words") % {"count": self.answer_words}

    @property
    def memory_text(self) -> str:
        if not self.memory_words:
            return _("Nothing: each question is on its own")
        texts = {
            MemoryPolicy.WINDOW: _("About the last %(count)d words of a conversation"),
            MemoryPolicy.NOTES: _(
                "About %(count)d words of a conversation: the latest questions and answers, and notes from earlier ones"
            ),
            MemoryPolicy.FULL: _("All of a conversation, up to about %(count)d words"),
        }
        return texts[MemoryPolicy(self.plan.memory_policy)] % {"count": self.memory_words}


def list_plan_summaries(person: Person) -> list[PlanSummary]:
    """Return the person's own plan, then Free and Pro for comparison."""
    own, *others = list_comparable_plans(person)
    usable, terms = list_models(), get_tutor_gate(person).terms
    return [
        PlanSummary(
            plan,
            plan is own,
            rank_models(usable, plan_model_ids=plan.model_ids, local_only=terms.local_only).models,
        )
        for plan in (own, *others)
    ]


def list_agreed_limits(terms: Terms) -> list[str]:
    """Return what a family agreed on that holds on every plan, each as a sentence."""
    agreed = []
    if terms.answers_per_day is not None:
        agreed.append(
            ngettext(
                "Your family agreed on at most %(count)d short answer a day.",
                "Your family agreed on at most %(count)d short answers a day.",
                terms.answers_per_day,
            )
            % {"count": terms.answers_per_day}
        )
    agreed += {
        MemoryPolicy.NONE: [_("Your family agreed that the tutor doesn’t remember earlier questions.")],
        MemoryPolicy.WINDOW: [
            _("Your family agreed that the tutor remembers only the latest questions, without notes.")
        ],
        MemoryPolicy.NOTES: [
            _(
                "Your family agreed that the tutor remembers the latest questions, and notes from earlier ones."
            )
        ],
        MemoryPolicy.FULL: [],
    }[terms.memory]
    if terms.local_only:
        agreed.append(_("Your family agreed to keep questions on this site’s own computers."))
    return agreed


def _count_words(tokens: int) -> int:
    words = tokens * WORDS_PER_TOKEN
    return round(words / WORD_STEP) * WORD_STEP if words >= WORD_STEP else round(words)


def _format_answers(count: int, length: PeriodLength) -> str:
    texts = {
        PeriodLength.DAY: ngettext(
            "About %(count)d short answer a day", "About %(count)d short answers a day", count
        ),
        PeriodLength.WEEK: ngettext(
            "About %(count)d short answer a week", "About %(count)d short answers a week", count
        ),
        PeriodLength.MONTH: ngettext(
            "About %(count)d short answer a month", "About %(count)d short answers a month", count
        ),
    }
    return texts[length] % {"count": count}


def _format_money(microdollars: int, length: PeriodLength) -> str:
    texts = {
        PeriodLength.DAY: _("at most %(amount)s a day"),
        PeriodLength.WEEK: _("at most %(amount)s a week"),
        PeriodLength.MONTH: _("at most %(amount)s a month"),
    }
    return texts[length] % {"amount": format_dollars(microdollars)}
