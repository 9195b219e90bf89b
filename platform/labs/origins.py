"""The tutor's answer with the passages of lessons that it was given, and without one of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.model_choice import get_limits
from chat.prompt import FENCE_END, FENCE_START, build_prompt, get_answer_room
from chat.prompt_profiles import FULL, PROMPT_PROFILES, PromptProfile
from chat.selectors import find_question_passages
from courses.retrieval.search import FoundPassage
from kit.texts import ProseField
from labs.answers import estimate_max_prompt_tokens, write_answer
from labs.checks import apply_output_rules
from labs.lab import Json, Lab, ModelReply, PlannedRun, TellPart
from routing.models import TutorModel

MAX_QUESTION_LENGTH = 300
ANSWER_TOKENS = 110
SALT = "labs.origins"
# Shorter words say nothing about where a sentence came from.
MIN_WORD_LENGTH = 5
WORD = re.compile(r"\w+")
# What a small model is told about passages. The tutor gives it none: they confuse it in longer conversations (ADR 52).
SMALL_PASSAGES_INSTRUCTION = "Use this text to answer:\n{passages}"


class OriginsForm(forms.Form):
    question = ProseField(max_length=MAX_QUESTION_LENGTH, label=gettext_lazy("A question about AI"))
    # Keys of passages to leave out.
    left_out = forms.CharField(required=False, widget=forms.HiddenInput)
    # The previous answer, signed.
    before = forms.CharField(required=False, widget=forms.HiddenInput)


@dataclass(frozen=True, kw_only=True)
class ShownPassage:
    """A passage that was found for the question. `value` is what the button sends that changes whether it is used."""

    title: str
    lesson: str
    url: str
    text: str
    language: str
    is_left_out: bool
    value: str


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of an answer, or the text between two. `is_shared`: a passage that the model was given has it too."""

    text: str
    is_shared: bool


class OriginsLab(Lab):
    slug = "where-from"
    title = gettext_lazy("Where the answer came from")
    summary = gettext_lazy(
        "The tutor looks for passages in the lessons and gives them to the model with your question. Read the answer, "
        "take a passage away, and ask again."
    )
    family_question = gettext_lazy(
        "The model sounded just as sure without the passage as with it. How would you tell, from the answer "
        "alone, what it had read?"
    )
    shows_parts = True
    form_class = OriginsForm

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"question": _("What is hallucinating?"), "left_out": "", "before": ""}

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        question = given["question"]
        found, left_out = find_question_passages(question, remembered=()), _split_keys(given["left_out"])
        used = [passage for passage in found if passage.key not in left_out]
        limits = get_limits(model)
        prompt = build_prompt(
            question,
            remembered=(),
            passages=used,
            profile=build_profile(PROMPT_PROFILES[model.prompt_profile]),
            limits=limits,
            model=model.model_name,
        )
        if not PROMPT_PROFILES[model.prompt_profile].passage_tokens:
            # A small model takes the fence for text. It is there for other people's words, and the lessons are ours.
            prompt = replace(prompt, lessons=_remove_fence(prompt.lessons))
        tokens = min(ANSWER_TOKENS, get_answer_room(prompt, limits=limits))

        beginning = {
            "answer": "",
            "passages": [asdict(passage) for passage in found],
            "left_out": sorted(left_out),
        }

        async def ask(tell_part: TellPart) -> ModelReply:
            answer = await write_answer(model, prompt.messages, tokens=tokens, number=0, tell_part=tell_part)
            return ModelReply(raw=beginning | {"answer": answer.text}, usages=[answer.usage])

        return PlannedRun(
            ask=ask,
            prompt_tokens=estimate_max_prompt_tokens(prompt.messages),
            answer_tokens=tokens,
            beginning=beginning,
        )

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        question = given["question"]
        passages = [FoundPassage(**passage) for passage in raw["passages"]]
        left_out = set(raw["left_out"])
        shown = apply_output_rules(raw["answer"], question=question)
        used = [passage for passage in passages if passage.key not in left_out]
        before = _load(given.get("before", ""))
        compared = before if before and before["question"] == question else None
        signed = {"question": question, "answer": shown.text, "left_out": sorted(left_out)}
        return {
            "words": list(_mark_shared(shown.text, used, question)),
            "notice": shown.notice,
            "passages": [_build_passage(passage, left_out) for passage in passages],
            "used_count": len(used),
            "before": compared["answer"] if compared else "",
            "signed": signing.dumps(signed, salt=SALT, compress=True),
            "left_out": " ".join(sorted(left_out)),
            "announcement": _("The answer is shown. Passages used: %(count)d.") % {"count": len(used)},
        }


def build_profile(profile: PromptProfile) -> PromptProfile:
    """Return the prompt profile of this lab: one that carries passages."""
    if profile.passage_tokens:
        return profile
    return replace(
        profile, passage_tokens=FULL.passage_tokens, passages_instruction=SMALL_PASSAGES_INSTRUCTION
    )


def _remove_fence(lessons: str) -> str:
    return lessons.replace(f"{FENCE_START}\n", "").replace(f"\n{FENCE_END}", "")


def _split_keys(text: str) -> set[str]:
    return set(text.split()[:10])


def _build_passage(passage: FoundPassage, left_out: set[str]) -> ShownPassage:
    is_left_out = passage.key in left_out
    return ShownPassage(
        title=passage.title,
        lesson=passage.lesson,
        url=passage.url,
        text=passage.text,
        language=passage.language,
        is_left_out=is_left_out,
        value=" ".join(sorted(left_out ^ {passage.key})),
    )


def _mark_shared(answer: str, passages: Sequence[FoundPassage], question: str) -> Iterator[Word]:
    """Yield the words of an answer, marked if a passage has them too and the question does not."""
    known = {word for passage in passages for word in _list_words(f"{passage.title} {passage.text}")}
    known -= _list_words(question)
    end = 0
    for match in WORD.finditer(answer):
        if match.start() > end:
            yield Word(text=answer[end : match.start()], is_shared=False)
        yield Word(text=match[0], is_shared=match[0].casefold() in known)
        end = match.end()
    if end < len(answer):
        yield Word(text=answer[end:], is_shared=False)


def _list_words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text) if len(word) >= MIN_WORD_LENGTH}


def _load(signed: str) -> Json | None:
    try:
        return signing.loads(signed, salt=SALT)
    except signing.BadSignature:
        return None
