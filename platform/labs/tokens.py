"""The pieces that the model sees of a text."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from inference.inspection import Piece, split_into_pieces
from kit.texts import ProseField
from labs.charts import Bar, build_bars
from labs.lab import Json, Lab, ModelReply, PlannedRun, TellPart, Text
from labs.numbers import format_rounded
from routing.models import TutorModel

MAX_TEXT_LENGTH = 300
NEW_LINE = "\n"


class TokensForm(forms.Form):
    text = ProseField(max_length=MAX_TEXT_LENGTH, label=gettext_lazy("A sentence"), strip=False)
    other = ProseField(
        max_length=MAX_TEXT_LENGTH,
        label=gettext_lazy("Another one to compare, if you like"),
        required=False,
        strip=False,
    )


@dataclass(frozen=True)
class Example:
    """Two texts to compare, and what they show."""

    name: str
    label: Text
    text: Text
    other: Text
    why: Text


EXAMPLES = (
    Example(
        "names",
        gettext_lazy("Two names"),
        gettext_lazy("My friend Emily is here."),
        gettext_lazy("My friend Xochitl is here."),
        gettext_lazy(
            "The pieces were chosen by counting a lot of text. A word that is common there is one piece. A name "
            "that is rare there is put together from several. That says something about the text, not about the "
            "name."
        ),
    ),
    Example(
        "languages",
        gettext_lazy("Two languages"),
        "Where is the kitchen table?",
        "¿Dónde está la mesa de la cocina?",
        gettext_lazy(
            "The same question takes more pieces in the language that the model saw less of. People who write in "
            "it pay more, wait longer, and reach the limit of a conversation sooner."
        ),
    ),
    Example(
        "emoji",
        gettext_lazy("A word and an emoji"),
        gettext_lazy("Tea?"),
        "🫖?",
        gettext_lazy(
            "An emoji can be rarer than any word. Then there is no piece for it, and it is cut into bytes: "
            "numbers that mean nothing on their own."
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ShownPiece:
    """A piece as the page shows it. A space at its beginning, line ends and bytes are made visible."""

    id: int
    text: str
    begins_with_space: bool = False
    is_bytes: bool = False
    lines: int = 0


@dataclass(frozen=True, kw_only=True)
class SplitText:
    """A text in pieces, and its counts."""

    text: str
    pieces: Sequence[ShownPiece]
    characters: int
    words: int

    @property
    def count(self) -> int:
        return len(self.pieces)

    @property
    def summary(self) -> str:
        """Return how many pieces the text has, as a sentence."""
        return ngettext(
            "%(count)s piece for %(characters)s characters",
            "%(count)s pieces for %(characters)s characters",
            self.count,
        ) % {"count": number_format(self.count), "characters": number_format(self.characters)}

    @property
    def per_word(self) -> str:
        return format_rounded(self.count / self.words, places=1) if self.words else ""


class TokensLab(Lab):
    slug = "tokens"
    title = gettext_lazy("Tokens: what the model sees")
    summary = gettext_lazy(
        "A model never sees letters or words. It sees numbers, one for each piece of a text. Type something and see "
        "the pieces."
    )
    family_question = gettext_lazy(
        "Try both of your names. If one of them is cut into more pieces than the other, what does that say "
        "about the text that the model learned from, and who was in it?"
    )
    needs_sign_in = False
    is_live = True
    form_class = TokensForm

    @property
    def examples(self) -> Sequence[Example]:
        return EXAMPLES

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        example = _find_example(query.get("example", ""))
        return {"text": str(example.text), "other": str(example.other)}

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        texts = [given["text"], given["other"]]

        async def ask(_tell_part: TellPart) -> ModelReply:
            split = (split_into_pieces(model.endpoint, text) for text in texts if text)
            return ModelReply(
                raw=[
                    [[piece.id, piece.data.hex()] for piece in pieces]
                    for pieces in await asyncio.gather(*split)
                ]
            )

        return PlannedRun(ask=ask)

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        written = [text for text in (given["text"], given["other"]) if text]
        texts = [_build_text(text, pieces) for text, pieces in zip(written, raw, strict=True)]
        example = next((one for one in EXAMPLES if [str(one.text), str(one.other)] == written), None)
        return {
            "texts": texts,
            "bars": _build_bars(texts) if len(texts) > 1 else (),
            "why": example.why if example else "",
            "announcement": "; ".join(text.summary for text in texts),
        }


def _find_example(name: str) -> Example:
    return next((example for example in EXAMPLES if example.name == name), EXAMPLES[0])


def _build_text(text: str, pieces: Sequence[tuple[int, str]]) -> SplitText:
    return SplitText(
        text=text,
        pieces=[_build_piece(Piece(id_, bytes.fromhex(data))) for id_, data in pieces],
        characters=len(text),
        words=len(text.split()),
    )


def _build_piece(piece: Piece) -> ShownPiece:
    text = piece.text
    if text is None:
        return ShownPiece(id=piece.id, text=piece.data.hex(" ").upper(), is_bytes=True)
    return ShownPiece(
        id=piece.id,
        text=text.strip(" \n"),
        begins_with_space=text.startswith(" "),
        lines=text.count(NEW_LINE),
    )


def _build_bars(texts: Sequence[SplitText]) -> Sequence[Bar]:
    labels = [_("First sentence"), _("Second sentence")]
    return build_bars(
        [(label, text.count, number_format(text.count)) for label, text in zip(labels, texts, strict=True)]
    )
