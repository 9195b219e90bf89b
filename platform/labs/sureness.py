"""Questions with known answers, how sure the model is of its own, and how sure a family is of theirs."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.inspection import Continuation, continue_text
from inference.tokens import estimate_max_tokens
from kit.texts import parse_whole_number
from labs.charts import scale
from labs.checks import apply_output_rules
from labs.known_questions import KnownQuestion, build_prompt, list_rounds
from labs.lab import Json, Lab, ModelReply, PlannedRun, TellPart
from labs.numbers import format_percent, format_rounded
from labs.runs import ask_together, complete_usage
from routing.models import TutorModel

# How sure a family can say it is, in percent. Below 50 it would choose another answer.
SURENESS = (50, 60, 70, 80, 90, 100)
MAX_ANSWER_TOKENS = 12
# A mistake with at least this chance is a confident one.
CONFIDENT = 0.4
# The bins of the chart, by how sure: up to 25%, 50%, 75% and 100%.
BINS = (0.25, 0.5, 0.75, 1.0)


class SurenessForm(forms.Form):
    """The answers of a family to the questions of one round. Questions without an answer are not counted."""

    round = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        rounds = list_rounds()
        number = _read_round((data if data is not None else initial or {}).get("round"), len(rounds))
        self.questions = rounds[number]
        for index, question in enumerate(self.questions):
            choices = [(str(option), answer) for option, answer in enumerate(question.options)]
            self.fields[f"answer_{index}"] = forms.ChoiceField(
                label=question.question, choices=choices, required=False, widget=forms.RadioSelect
            )
            self.fields[f"sure_{index}"] = forms.TypedChoiceField(
                label=gettext_lazy("How sure are you?"),
                choices=[(sure, f"{sure}%") for sure in SURENESS],
                coerce=int,
                required=False,
                empty_value=str(SURENESS[0]),
            )

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each question: the answer, and how sure."""
        return [(self[f"answer_{index}"], self[f"sure_{index}"]) for index in range(len(self.questions))]

    def clean_round(self) -> int:
        number = int(self.cleaned_data["round"])
        if number >= len(list_rounds()):
            raise forms.ValidationError(_("This round doesn’t exist."))
        return number


def _read_round(value: object, count: int) -> int:
    return parse_whole_number(str(value), below=count) or 0


@dataclass(frozen=True, kw_only=True)
class Guess:
    """An answer, how sure someone was of it between 0 and 1, and whether it is right."""

    answer: str
    sure: float
    is_right: bool

    @property
    def sure_text(self) -> str:
        return format_percent(self.sure)

    @property
    def length(self) -> str:
        return scale(self.sure)


@dataclass(frozen=True, kw_only=True)
class ShownQuestion:
    """A question with its answer, the model's guess and the family's, if it made one."""

    question: str
    answer: str
    model: Guess
    family: Guess | None
    is_withheld: bool


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How sure someone was on average, and how often they were right."""

    name: str
    sure: float
    right: int
    count: int

    @property
    def share(self) -> float:
        return self.right / self.count

    @property
    def text(self) -> str:
        values = {
            "sure": format_rounded(self.sure * 100),
            "right": number_format(self.right),
            "count": number_format(self.count),
            "share": format_rounded(self.share * 100),
        }
        return _("%(sure)s%% sure on average, right %(right)s out of %(count)s times: %(share)s%%") % values


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A point of the calibration chart: answers of about the same sureness."""

    who: str
    name: str
    x: str
    y: str
    radius: str
    sure: str
    right: str
    count: int


class SurenessLab(Lab):
    slug = "sure-and-wrong"
    title = gettext_lazy("Sure and wrong")
    summary = gettext_lazy(
        "Answer a few questions together and say how sure you are. Then see what the model answers, how sure "
        "it was, and who was better at noticing what they didn’t know."
    )
    family_question = gettext_lazy(
        "Find one mistake that the model was sure of. How could each of you have noticed it without seeing "
        "the answers?"
    )
    form_class = SurenessForm

    @property
    def rounds(self) -> range:
        return range(len(list_rounds()))

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"round": _read_round(query.get("round"), len(list_rounds()))}

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        prompts = [build_prompt(question.question) for question in list_rounds()[given["round"]]]

        async def ask(_tell_part: TellPart) -> ModelReply:
            answers = await ask_together(
                continue_text(model.endpoint, prompt, tokens=MAX_ANSWER_TOKENS, alternatives=1, stop=["\n"])
                for prompt in prompts
            )
            return ModelReply(
                raw=[[answer.text.strip(), _get_chance(answer)] for answer in answers],
                usages=[
                    complete_usage(answer.usage, prompt=prompt, answer=answer.text)
                    for prompt, answer in zip(prompts, answers, strict=True)
                ],
            )

        return PlannedRun(
            ask=ask,
            prompt_tokens=sum(map(estimate_max_tokens, prompts)),
            # A server may count the line end at which it stopped.
            answer_tokens=(MAX_ANSWER_TOKENS + 1) * len(prompts),
            own_words="\n\n".join([str(MAX_ANSWER_TOKENS), *prompts]),
        )

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        questions = [
            _build_question(
                question, answer, chance, given.get(f"answer_{index}"), given.get(f"sure_{index}")
            )
            for index, (question, (answer, chance)) in enumerate(
                zip(list_rounds()[given["round"]], raw, strict=True)
            )
        ]
        model = [question.model for question in questions]
        family = [question.family for question in questions if question.family]
        mistakes = [question for question in questions if not question.model.is_right]
        worst_mistake = max(mistakes, key=lambda question: question.model.sure, default=None)
        summaries = [_build_calibration(_("The model"), model)]
        if family:
            summaries.append(_build_calibration(_("Your family"), family))
        next_round = (given["round"] + 1) % len(list_rounds())
        return {
            "questions": questions,
            "worst_mistake": worst_mistake,
            "is_confident": worst_mistake is not None and worst_mistake.model.sure >= CONFIDENT,
            "summaries": summaries,
            "dots": [
                *_build_dots("model", _("The model"), model),
                *_build_dots("family", _("Your family"), family),
            ],
            "next_round": next_round,
            "announcement": "; ".join(f"{summary.name}: {summary.text}" for summary in summaries),
        }


def _get_chance(answer: Continuation) -> float:
    """Return the chance that the model gave to exactly these words: the product of the chances of their pieces."""
    return math.exp(sum(chance.logprob for chance in answer.chosen))


def _build_question(
    question: KnownQuestion, answer: str, chance: float, option: str | None, sure: int | str | None
) -> ShownQuestion:
    shown = apply_output_rules(answer, question=question.question)
    family = None
    if option:
        family = Guess(
            answer=question.options[int(option)],
            sure=int(sure or SURENESS[0]) / 100,
            is_right=int(option) == question.right,
        )
    return ShownQuestion(
        question=question.question,
        answer=question.options[question.right],
        model=Guess(answer=shown.text, sure=chance, is_right=is_right(question, answer)),
        family=family,
        is_withheld=shown.notice is not None,
    )


def is_right(question: KnownQuestion, answer: str) -> bool:
    """Return whether an answer contains one of the words that are right, whatever its case and accents."""
    words = f" {' '.join(_simplify(answer).split())} "
    return any(f" {_simplify(accepted)} " in words for accepted in question.accepted)


def _simplify(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(
        letter if letter.isalnum() else " " for letter in letters if not unicodedata.combining(letter)
    ).strip()


def _build_calibration(name: str, guesses: Sequence[Guess]) -> Calibration:
    return Calibration(
        name=name,
        sure=sum(guess.sure for guess in guesses) / len(guesses),
        right=sum(guess.is_right for guess in guesses),
        count=len(guesses),
    )


def _build_dots(who: str, name: str, guesses: Sequence[Guess]) -> list[Dot]:
    """Put guesses of about the same sureness together: how sure they were, and the share that was right."""
    dots = []
    lowest = -1.0
    for highest in BINS:
        binned = [guess for guess in guesses if lowest < guess.sure <= highest]
        lowest = highest
        if binned:
            summary = _build_calibration(name, binned)
            dots.append(
                Dot(
                    who=who,
                    name=name,
                    x=f"{40 + 200 * summary.sure:.1f}",
                    y=f"{220 - 200 * summary.share:.1f}",
                    radius=f"{5 + 2 * len(binned)}",
                    sure=format_percent(summary.sure),
                    right=format_percent(summary.share),
                    count=len(binned),
                )
            )
    return dots
