"""One question to three characters, each made of a few sentences before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.prompt import defuse_marks
from inference.messages import ChatMessage
from kit.texts import ProseField
from labs.answers import estimate_max_prompt_tokens, write_answer
from labs.checks import apply_output_rules
from labs.lab import Json, Lab, ModelReply, PlannedRun, TellPart, Text
from labs.runs import ask_together
from markup.markdown import render_answer
from routing.models import TutorModel
from safeguarding.response_texts import FixedText

MAX_QUESTION_LENGTH, MAX_VOICE_LENGTH = 200, 300
# Short, because three answers are written at once, but enough to recognize the character.
ANSWER_TOKENS = 60


@dataclass(frozen=True)
class Voice:
    """A character: its name, and what the model is told before the question."""

    name: Text
    instruction: Text


VOICES: Sequence[Voice] = (
    Voice(
        gettext_lazy("A patient teacher"),
        gettext_lazy("You are a patient teacher. Explain with an example. Answer in two short sentences."),
    ),
    Voice(
        gettext_lazy("A salesperson"),
        gettext_lazy("You are a happy salesperson. You sell phones. Tell everyone to buy a phone."),
    ),
    Voice(
        gettext_lazy("A sea captain"),
        gettext_lazy("You are a grumpy old sea captain. Always talk about the sea and your ship."),
    ),
)


class VoicesForm(forms.Form):
    question = ProseField(max_length=MAX_QUESTION_LENGTH, label=gettext_lazy("One question for all three"))
    voice = ProseField(
        max_length=MAX_VOICE_LENGTH,
        label=gettext_lazy("A character of your own, in place of the third"),
        help_text=gettext_lazy("Begin with “You are”. Leave it empty for the sea captain."),
        required=False,
    )


@dataclass(frozen=True, kw_only=True)
class ShownVoice:
    """A character with its answer, or with the notice in place of it."""

    name: str
    instruction: str
    answer_html: SafeString | str
    notice: FixedText | None


class VoicesLab(Lab):
    slug = "voices"
    title = gettext_lazy("The same question, different voices")
    summary = gettext_lazy(
        "A character is a few sentences that the model reads before yours. Ask three characters the same question, and "
        "then write one yourself."
    )
    family_question = gettext_lazy(
        "One model wrote all three answers. Which of them would you have trusted most, and why?"
    )
    shows_parts = True
    form_class = VoicesForm

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"question": _("What is rain?"), "voice": ""}

    def list_texts(self, typed: Mapping[str, str]) -> list[str]:
        # The model reads the character and the question as one text.
        return [*typed.values(), f"{typed.get('voice', '')} {typed.get('question', '')}".strip()]

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        prompts = [_build_messages(voice, given["question"]) for voice in _list_voices(given["voice"])]

        async def ask(tell_part: TellPart) -> ModelReply:
            written = await ask_together(
                write_answer(model, messages, tokens=ANSWER_TOKENS, number=number, tell_part=tell_part)
                for number, messages in enumerate(prompts)
            )
            return ModelReply(
                raw=[answer.text for answer in written], usages=[answer.usage for answer in written]
            )

        return PlannedRun(
            ask=ask,
            prompt_tokens=sum(map(estimate_max_prompt_tokens, prompts)),
            answer_tokens=ANSWER_TOKENS * len(prompts),
            beginning=[""] * len(prompts),
        )

    def build_part(self, text: str) -> str:
        return render_answer(text)

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        voices = [
            _build_voice(voice, answer, given["question"])
            for voice, answer in zip(_list_voices(given["voice"]), raw, strict=True)
        ]
        return {
            "question": given["question"],
            "voices": voices,
            "announcement": _("Three answers are shown."),
        }


def _list_voices(own: str) -> list[Voice]:
    return [*VOICES[:2], Voice(_("Your character"), own)] if own else list(VOICES)


def _build_messages(voice: Voice, question: str) -> list[ChatMessage]:
    return [
        {"role": "system", "content": defuse_marks(str(voice.instruction))},
        {"role": "user", "content": defuse_marks(question)},
    ]


def _build_voice(voice: Voice, answer: str, question: str) -> ShownVoice:
    shown = apply_output_rules(answer, question=question)
    return ShownVoice(
        name=str(voice.name),
        instruction=str(voice.instruction),
        answer_html=render_answer(shown.text) if shown.text else "",
        notice=shown.notice,
    )
