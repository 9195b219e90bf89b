"""The chances of the piece that comes next, how a program draws one, and the path that a text takes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.errors import ModelError
from inference.inspection import Chance, continue_text
from inference.messages import TokenUsage
from inference.tokens import estimate_max_tokens
from kit.site import build_absolute_url
from kit.texts import ProseField, parse_whole_number
from labs.charts import scale
from labs.checks import NextPieceRules
from labs.drawing import NEUTRAL, reshape_chances
from labs.lab import Json, Lab, ModelReply, PlannedRun, Text
from labs.numbers import format_chance, format_rounded
from labs.runs import RunFailed, complete_usage
from routing.models import TutorModel

MAX_TEXT_LENGTH = 400
# How many of the likeliest pieces are asked for (most model servers show so many), and how many get a row.
MAX_CANDIDATES, MAX_ROWS = 20, 10
MAX_STEPS = 16
MAX_TEMPERATURE = 2
SALT = "labs.next_piece"

BEGINNINGS: Mapping[str, Text] = {
    "kettle": gettext_lazy("The kettle is on the"),
    "story": gettext_lazy("Once upon a time there was a little"),
    "capital": gettext_lazy("The capital of France is the city of"),
    "doctor": gettext_lazy("The doctor was tired because"),
    "nurse": gettext_lazy("The nurse was tired because"),
}


class NextPieceForm(forms.Form):
    text = ProseField(
        max_length=MAX_TEXT_LENGTH,
        label=gettext_lazy("The beginning of a text"),
        strip=False,
        widget=forms.Textarea({"data-carried": True}),
    )
    # The rank of the picked piece among the likeliest, and the piece.
    pick = forms.RegexField(r"(?s)\d{1,2}\|.{1,100}", required=False, strip=False, widget=forms.HiddenInput)
    # The chances on the page, with the path so far; signed.
    chances = forms.CharField(required=False, widget=forms.HiddenInput)
    replay = forms.CharField(required=False, widget=forms.HiddenInput)
    redraw = forms.BooleanField(required=False, widget=forms.HiddenInput)
    temperature = forms.FloatField(
        label=gettext_lazy("Temperature"), min_value=0, max_value=MAX_TEMPERATURE, required=False
    )
    top_p = forms.FloatField(label=gettext_lazy("Top-p"), min_value=0, max_value=1, required=False)

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).lstrip()

    def clean_temperature(self) -> float:
        return _read_number(self.cleaned_data["temperature"])

    def clean_top_p(self) -> float:
        return _read_number(self.cleaned_data["top_p"])


def _read_number(value: float | None) -> float:
    return NEUTRAL if value is None else value


@dataclass(frozen=True)
class PiecePath:
    """A path from one of our beginnings: the rank of each picked piece among the likeliest. It has no words."""

    beginning: str
    ranks: Sequence[int] = ()

    def __str__(self) -> str:
        return ".".join([self.beginning, *map(str, self.ranks)])

    @classmethod
    def parse(cls, text: str) -> "PiecePath | None":
        """Return the path that an address names, or None."""
        beginning, *ranks = text.split(".")
        if beginning not in BEGINNINGS or len(ranks) > MAX_STEPS:
            return None
        numbers = [parse_whole_number(rank, below=MAX_CANDIDATES) for rank in ranks]
        known = [number for number in numbers if number is not None]
        return cls(beginning, known) if len(known) == len(ranks) else None


@dataclass(frozen=True, kw_only=True)
class ShownChance:
    """A row of the bars. `value` is what the button sends; "" if the piece cannot be picked or shown."""

    text: str
    value: str
    own: str
    drawn: str
    own_length: str
    drawn_length: str
    is_withheld: bool = False


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    """A piece of the path, with the chance that the model gave it."""

    text: str
    chance: str


class NextPieceLab(Lab):
    slug = "what-comes-next"
    title = gettext_lazy("What comes next")
    summary = gettext_lazy(
        "After every piece of a text, the model gives each piece that it knows a chance to come next. That is all it "
        "does. Look at the chances, pick one, and go on."
    )
    family_question = gettext_lazy(
        "Continue the sentences about the doctor and the nurse. Which small words come next in each, and "
        "where might the model have learned that?"
    )
    form_class = NextPieceForm
    script = "js/chances.js"

    @property
    def beginnings(self) -> Mapping[str, Text]:
        return BEGINNINGS

    def get_initial(self, query: Mapping[str, str]) -> dict[str, Any]:
        path = PiecePath.parse(query.get("path", "")) or PiecePath("kettle")
        return {"text": str(BEGINNINGS[path.beginning]), "replay": str(path) if path.ranks else ""}

    def list_texts(self, typed: Mapping[str, str]) -> list[str]:
        # What is sent to the model: the text with the picked piece.
        _rank, _mark, piece = typed.get("pick", "").partition("|")
        others = [text for name, text in typed.items() if name not in {"text", "pick"}]
        return [typed.get("text", "") + (piece or typed.get("pick", "")), *others]

    def find_known_reply(self, given: Mapping[str, Any]) -> Json | None:
        """Return the chances on the page if they only have to be drawn again: that needs no model, and is free."""
        if not given.get("redraw"):
            return None
        known = _load(given["chances"])
        return known if known and known["text"] == given["text"] else None

    def plan(self, given: Mapping[str, Any], model: TutorModel) -> PlannedRun:
        path = PiecePath.parse(given.get("replay", ""))
        rank, _mark, piece = given.get("pick", "").partition("|")
        if path and path.ranks and given["text"] == str(BEGINNINGS[path.beginning]):
            return self._plan_replay(path, model)
        text, steps = given["text"] + piece, _continue_path(given, rank)
        return PlannedRun(
            ask=lambda _tell_part: _follow_path(text, [], steps, model),
            prompt_tokens=estimate_max_tokens(text),
            answer_tokens=1,
        )

    def _plan_replay(self, path: PiecePath, model: TutorModel) -> PlannedRun:
        text, calls = str(BEGINNINGS[path.beginning]), len(path.ranks) + 1
        longest = estimate_max_tokens(text) + calls
        return PlannedRun(
            ask=lambda _tell_part: _follow_path(text, path.ranks, path, model),
            prompt_tokens=longest * calls,
            answer_tokens=calls,
        )

    def build(self, given: Mapping[str, Any], raw: Json) -> dict[str, Any]:
        temperature, top_p = given.get("temperature", NEUTRAL), given.get("top_p", NEUTRAL)
        logprobs = [logprob for _piece, logprob in raw["chances"]]
        drawn = reshape_chances(logprobs, temperature=temperature, top_p=top_p)
        rules = NextPieceRules(raw["text"])
        rows = [
            _build_row(rules, rank, piece, logprob, chance)
            for rank, ((piece, logprob), chance) in enumerate(
                zip(raw["chances"][:MAX_ROWS], drawn[:MAX_ROWS], strict=True)
            )
        ]
        is_neutral = temperature == NEUTRAL and top_p == NEUTRAL
        path = PiecePath.parse(raw["path"])
        return {
            "text": raw["text"],
            "rows": rows,
            "rest": _build_rest(logprobs, drawn, is_neutral=is_neutral),
            "steps": [
                ShownStep(text=piece, chance=format_chance(math.exp(logprob)))
                for piece, logprob in raw["steps"]
            ],
            "temperature": f"{temperature:g}",
            "top_p": f"{top_p:g}",
            "temperature_text": format_rounded(temperature, places=2),
            "top_p_text": format_rounded(top_p, places=2),
            "logprobs": " ".join(f"{logprob:.6f}" for logprob in logprobs),
            "chances": signing.dumps(raw, salt=SALT, compress=True),
            "path_url": build_absolute_url(f"{self.url}?{urlencode({'path': str(path)})}")
            if path and path.ranks
            else "",
            "is_own_text": path is None,
            "carried": {"text": raw["text"], "replay": ""},
            "announcement": _announce(rows),
        }


def _announce(rows: Sequence[ShownChance]) -> str:
    shown = [row for row in rows if not row.is_withheld][:3]
    return _("The likeliest next pieces: %(pieces)s.") % {
        "pieces": ", ".join(f"{row.text} {row.own}" for row in shown)
    }


async def _follow_path(
    text: str, ranks: Sequence[int], path: PiecePath | None, model: TutorModel
) -> ModelReply:
    """Ask for the chances after a text, take the pieces of these ranks one after the other, and ask after each."""
    steps: list[Chance] = []
    usages: list[TokenUsage] = []
    taken: list[int] = []
    for rank in (*ranks, None):
        try:
            shown = await continue_text(model.endpoint, text, tokens=1, alternatives=MAX_CANDIDATES)
        except ModelError as error:
            raise RunFailed(usages) from error
        usages.append(complete_usage(shown.usage, prompt=text, answer=shown.text))
        chances = shown.alternatives[:MAX_CANDIDATES]
        if rank is None or rank >= len(chances) or not NextPieceRules(text).may_show(chances[rank].text):
            break
        steps.append(chances[rank])
        taken.append(rank)
        text += chances[rank].text
    if ranks and path:
        path = PiecePath(path.beginning, taken)
    return ModelReply(
        raw={
            "text": text,
            "chances": [[chance.text, chance.logprob] for chance in chances],
            "steps": [[chance.text, chance.logprob] for chance in steps],
            "path": str(path) if path else "",
        },
        usages=usages,
    )


def _continue_path(given: Mapping[str, Any], rank: str) -> PiecePath | None:
    """Return the path with the picked piece; None if the text does not come from one of our beginnings."""
    known = _load(given.get("chances", ""))
    path = PiecePath.parse(known["path"]) if known and known["text"] == given["text"] else None
    if path is None:
        own = next((name for name, text in BEGINNINGS.items() if str(text) == given["text"]), None)
        path = PiecePath(own) if own else None
    if path is None or not rank:
        return path
    return PiecePath(path.beginning, [*path.ranks, int(rank)]) if len(path.ranks) < MAX_STEPS else None


def _load(signed: str) -> Json | None:
    try:
        return signing.loads(signed, salt=SALT)
    except signing.BadSignature:
        return None


def _build_row(rules: NextPieceRules, rank: int, piece: str, logprob: float, drawn: float) -> ShownChance:
    own = math.exp(logprob)
    is_character = "\ufffd" not in piece
    is_withheld = not rules.may_show(piece)
    return ShownChance(
        text="" if is_withheld else _make_visible(piece),
        value=f"{rank}|{piece}" if is_character and not is_withheld else "",
        own=format_chance(own),
        drawn=format_chance(drawn),
        own_length=scale(own),
        drawn_length=scale(drawn),
        is_withheld=is_withheld,
    )


def _build_rest(logprobs: Sequence[float], drawn: Sequence[float], *, is_neutral: bool) -> ShownChance:
    """Build the row of all pieces without a row of their own."""
    own = max(0.0, 1 - sum(map(math.exp, logprobs[:MAX_ROWS])))
    other = max(0.0, 1 - sum(drawn[:MAX_ROWS])) if is_neutral else sum(drawn[MAX_ROWS:])
    return ShownChance(
        text=_("all other pieces"),
        value="",
        own=format_chance(own),
        drawn=format_chance(other),
        own_length=scale(own),
        drawn_length=scale(other),
    )


def _make_visible(piece: str) -> str:
    return piece.replace("\n", "↵") if piece.strip(" ") else piece.replace(" ", "␣")
