"""What every lab is: a form, what it asks the model, and how it shows the reply.

`plan` says what will be asked and what that may cost, `build` turns the reply into what the page shows. The reply is
plain JSON, so one that was saved earlier (labs.saved_examples) is shown by the same code while no model answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import escape

from inference.messages import TokenUsage
from routing.models import TutorModel

type Json = Any
type Text = str | Promise
# Takes the number of an answer, and its text so far, while the model writes it.
type TellPart = Callable[[int, str], None]


@dataclass(frozen=True, kw_only=True)
class ModelReply:
    """What the model replied, as JSON, and the tokens of each call."""

    raw: Json
    usages: Sequence[TokenUsage] = ()


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """The calls of a run, and the most tokens that they may take together.

    A run without `answer_tokens` writes nothing and is free. `ask` runs on the event loop and may not use the database.
    It tells its parts, if the lab `shows_parts`, in the reply `beginning`, which has no answers yet. `own_words` are
    what the model is asked, if all of it is the site's own and the reply the same each time: then the reply is kept.
    """

    ask: Callable[[TellPart], Awaitable[ModelReply]]
    prompt_tokens: int = 0
    answer_tokens: int = 0
    beginning: Json = None
    own_words: str = ""

    @property
    def is_free(self) -> bool:
        return not self.answer_tokens


class Lab(ABC):
    """A lab. Its templates are `labs/<slug>/form.html` and `labs/<slug>/result.html`."""

    slug: ClassVar[str]
    title: ClassVar[Text]
    summary: ClassVar[Text]
    # The question to talk about together, at the end of the page.
    family_question: ClassVar[Text]
    # Labs in which the model writes need a person with a budget. The others are open to everyone.
    needs_sign_in: ClassVar[bool] = True
    # Whether the page asks again by itself while someone types or moves a slider.
    is_live: ClassVar[bool] = False
    # Whether the page shows answers while they are written.
    shows_parts: ClassVar[bool] = False
    # A script of its own beside labs.js, or "".
    script: ClassVar[str] = ""
    form_class: ClassVar[type[forms.Form]]

    @property
    def url(self) -> str:
        return reverse(f"labs:{self.slug}")

    @property
    def form_template(self) -> str:
        return f"labs/{self.slug}/form.html"

    @property
    def result_template(self) -> str:
        return f"labs/{self.slug}/result.html"

    def create_form(
        self, data: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> forms.Form:
        """Return the form: bound to `data`, or as the page's address `query` asks for it."""
        return (
            self.form_class(data)
            if data is not None
            else self.form_class(initial=self.get_initial(query or {}))
        )

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the first values of the form."""
        return {}

    def get_example(self) -> dict[str, Any]:
        """Return the data of the form for the saved example."""
        return self.get_initial({})

    def list_texts(self, typed: Mapping[str, str]) -> list[str]:
        """Return the texts that the guard judges, from the form's free-text fields."""
        return list(typed.values())

    def find_known_reply(self, given: Mapping[str, Any]) -> Json | None:
        """Return a reply that the form brought back, signed, so that the model need not be asked again; or None."""
        return None

    @abstractmethod
    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        """Plan a run with the cleaned data of the form."""

    def build_part(self, text: str) -> str:
        """Return an unfinished answer as HTML."""
        return escape(text)

    @abstractmethod
    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        """Return the context of the result's template. `announcement` is what a screen reader says."""
