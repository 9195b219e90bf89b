"""The forecast page: its form, the month that its numbers make, and what would change it most. No database access."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from budgets.amounts import MICRO, format_amount
from budgets.forecasting import WEEK, ExpectedUse, Lever, QuestionSize, Scenario, rank_levers
from budgets.forecasts import History, average_size
from budgets.pricing import PRESETS, Sum, Talk
from desk.charts import Chart, Series, build_column_chart
from kit.memory_policy import MemoryPolicy

AS_NOW, OTHER = "now", "other"
# A note is a sentence of a question: 12 to 25 words (ADR 53).
NOTE_TOKENS = 30
# For a site whose questions carry no memory, so that nothing says how long its conversations are.
USUAL_QUESTIONS_IN_A_TALK = 5
MAX_QUESTIONS_IN_A_TALK = 200
MAX_NUMBER = 10**10


def _number(label: Any, *, places: int = 0, top: int = MAX_NUMBER, hint: Any = "") -> forms.DecimalField:
    step = Decimal(1).scaleb(-places)
    return forms.DecimalField(
        label=label,
        help_text=hint,
        min_value=0,
        max_value=top,
        decimal_places=places,
        widget=forms.NumberInput(attrs={"step": str(step), "data-slider": "", "inputmode": "decimal"}),
    )


class ForecastForm(forms.Form):
    """The factors of a month: users, frequency, tokens, share of local answers, prices."""

    people = _number(gettext_lazy("People who ask"))
    questions = _number(gettext_lazy("Questions a person, in the month"), places=1)
    answer = _number(gettext_lazy("Answer, in tokens"))
    fixed = _number(
        gettext_lazy("Sent with each question, in tokens"),
        hint=gettext_lazy("Instructions, lessons and the question itself, without memory."),
    )
    memory = forms.ChoiceField(label=gettext_lazy("Memory"))
    memory_tokens = forms.DecimalField(
        label=gettext_lazy("Other memory, tokens a question"),
        min_value=0,
        max_value=MAX_NUMBER,
        decimal_places=0,
        required=False,
        widget=forms.NumberInput(attrs={"step": "1", "inputmode": "decimal"}),
    )
    local = _number(gettext_lazy("Answered by local models, in percent"), places=1, top=100)
    input_price = _number(gettext_lazy("Price of what is sent, dollars per million tokens"), places=4)
    output_price = _number(gettext_lazy("Price of what is written, dollars per million tokens"), places=4)

    def __init__(
        self,
        data: Mapping[str, str] | None,
        *,
        initial: Mapping[str, Any],
        memory_sizes: Mapping[str, Decimal],
    ) -> None:
        super().__init__(data, initial=dict(initial), label_suffix="")
        self.fields["memory"].choices = [  # type: ignore[attr-defined]
            (value, _label_memory_choice(value, tokens)) for value, tokens in memory_sizes.items()
        ] + [(OTHER, _("other"))]
        for field in self:
            if "data-slider" in field.field.widget.attrs:
                field.field.widget.attrs["data-slider"] = str(_find_slider_top(field.initial))
        self.fields["local"].widget.attrs["data-slider"] = "100"


def _label_memory_choice(value: str, tokens: Decimal) -> str:
    label = _("as now") if value == AS_NOW else str(MemoryPolicy(value).label)
    return _("%(memory)s (%(tokens)s tokens a question)") % {"memory": label, "tokens": round(tokens)}


def _find_slider_top(initial: Decimal | None) -> Decimal:
    """Return four times the site's own number, rounded to one digit, so that the slider begins at about a quarter."""
    four = (initial or Decimal(0)) * 4
    if four <= 0:
        return Decimal(100)
    return Decimal(f"{four:.0e}").quantize(Decimal(1)) if four >= 1 else Decimal(f"{four:.0e}")


@dataclass(frozen=True)
class MonthForecast:
    """A month that the form's numbers make, beside what the site's own numbers make."""

    scenario: Scenario
    base: Scenario
    spread: Decimal | None
    levers: Sequence[Lever]

    @property
    def dollars(self) -> Decimal:
        return self.scenario.dollars

    @property
    def low(self) -> Decimal:
        return max(Decimal(0), self.dollars * (1 - (self.spread or 0)))

    @property
    def high(self) -> Decimal:
        return self.dollars * (1 + (self.spread or 0))

    @property
    def is_changed(self) -> bool:
        return self.scenario != self.base

    @property
    def difference(self) -> Decimal:
        return self.dollars - self.base.dollars


def build_talk(history: History, *, window_tokens: int) -> Talk:
    """Return an average conversation of this site.

    The ledger knows no conversations. So it is as long as one in which an average question carries as many tokens of
    memory as this site's questions do, under the policy that most of them have.
    """
    used = history.outside + history.local
    calls = max(used.calls, 1)
    talk = Talk(
        question_tokens=used.question_tokens // calls,
        answer_tokens=used.answer_tokens // calls,
        replies=USUAL_QUESTIONS_IN_A_TALK,
        window_tokens=window_tokens,
        note_tokens=NOTE_TOKENS,
    )
    policy, amounts = max(
        history.memories.items(), key=lambda item: item[1].calls, default=(MemoryPolicy.NONE, used)
    )
    if policy not in MemoryPolicy.values or policy == MemoryPolicy.NONE or not amounts.memory_tokens:
        return talk
    carried = Decimal(amounts.memory_tokens) / amounts.calls
    lengths = [
        replace(talk, memory=MemoryPolicy(policy), replies=replies)
        for replies in range(1, MAX_QUESTIONS_IN_A_TALK + 1)
    ]
    closest = min(lengths, key=lambda each: abs(_average_memory(each) - carried))
    return replace(talk, replies=closest.replies)


def _average_memory(talk: Talk) -> Decimal:
    """Return the tokens of memory that an average question of a talk carries."""
    return Decimal(talk.count_tokens().memory) / talk.replies


def measure_memories(history: History, talk: Talk) -> dict[str, Decimal]:
    """Return the tokens of memory that an average question carries as now, and in such a talk under each policy."""
    return {
        AS_NOW: average_size(history.outside + history.local).memory,
        **{policy.value: _average_memory(replace(talk, memory=policy)) for policy in MemoryPolicy},
    }


def round_initial(scenario: Scenario) -> dict[str, Decimal | str]:
    """Return a scenario as the form's fields show it."""
    size = scenario.size
    return {
        "people": _round(scenario.people, 0),
        "questions": _round(scenario.questions_each, 1),
        "answer": _round(size.answer, 0),
        "fixed": _round(size.fixed, 0),
        "memory": AS_NOW,
        "local": _round(scenario.local_share * 100, 1),
        "input_price": _round(scenario.input_price, 4),
        "output_price": _round(scenario.output_price, 4),
    }


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def build_form(query: Mapping[str, str], base: Scenario, memory_sizes: Mapping[str, Decimal]) -> ForecastForm:
    """Return the form with the numbers of a query string, or of a preset that it names, or of the site itself."""
    initial = round_initial(base)
    data: Mapping[str, str] | None = None
    if preset := PRESETS.get(query.get("preset", "")):
        data = build_preset_query(preset)
    elif query:
        # What was left out stays as it is on the site, so that an address may name a single number.
        data = {**{name: str(value) for name, value in initial.items()}, **query}
    return ForecastForm(data, initial=initial, memory_sizes=memory_sizes)


def build_preset_query(preset: Sum) -> dict[str, str]:
    """Return a case of the lesson's table as the form's fields. Each reply of a talk is a question."""
    talk, tokens = preset.talk, preset.talk.count_tokens()
    return {
        "people": str(preset.users),
        "questions": str(preset.frequency * talk.replies),
        "answer": str(talk.answer_tokens),
        "fixed": str(talk.question_tokens + talk.fixed_tokens),
        "memory": OTHER,
        "memory_tokens": str(tokens.memory // talk.replies),
        "local": "0",
        "input_price": str(preset.prices.input),
        "output_price": str(preset.prices.output),
    }


def build_month(
    form: ForecastForm,
    base: Scenario,
    expected: ExpectedUse,
    memory_sizes: Mapping[str, Decimal],
    *,
    is_preset: bool = False,
) -> MonthForecast:
    """Return the month of a form. A field that still shows the site's own number counts exactly, not as rounded.

    A case of the lesson has no range: how this site's weeks differ says nothing about it.
    """
    scenario = _read_scenario(form, base, memory_sizes) if form.is_bound and form.is_valid() else base
    policies = {
        policy: memory_sizes[policy.value]
        for policy in MemoryPolicy
        if memory_sizes[policy.value] != scenario.size.memory
    }
    spread = None if is_preset else expected.spread
    return MonthForecast(scenario, base, spread, rank_levers(scenario, policies))


def _read_scenario(form: ForecastForm, base: Scenario, memory_sizes: Mapping[str, Decimal]) -> Scenario:
    shown, typed = round_initial(base), form.cleaned_data

    def read(name: str, own: Decimal) -> Decimal:
        value: Decimal = typed[name]
        return own if value == shown[name] else value

    sizes = {**memory_sizes, OTHER: typed["memory_tokens"] or Decimal(0)}
    return replace(
        base,
        people=read("people", base.people),
        questions_each=read("questions", base.questions_each),
        size=QuestionSize(
            fixed=read("fixed", base.size.fixed),
            memory=sizes[typed["memory"]],
            answer=read("answer", base.size.answer),
        ),
        local_share=read("local", base.local_share * 100) / 100,
        input_price=read("input_price", base.input_price),
        output_price=read("output_price", base.output_price),
    )


FACTORS = {
    "people": gettext_lazy("People who ask"),
    "questions": gettext_lazy("Questions a person"),
    "answer": gettext_lazy("Length of answers"),
    "fixed": gettext_lazy("Instructions, lessons, questions"),
    "local": gettext_lazy("Answered by local models"),
    "memory": gettext_lazy("Memory"),
}
CHANGES = {"less": gettext_lazy("a fifth less"), "more": gettext_lazy("a fifth more")}
LOCAL_CHANGES = {"less": gettext_lazy("20 points less"), "more": gettext_lazy("20 points more")}


@dataclass(frozen=True, kw_only=True)
class LeverRow:
    """A row of the table of what would change the cost most."""

    factor: str
    change: str
    dollars: Decimal
    difference: Decimal
    share: Decimal

    @property
    def signed_difference(self) -> str:
        text = format_amount(self.difference)
        return f"+{text}" if self.difference > 0 else text


def build_lever_rows(levers: Sequence[Lever]) -> list[LeverRow]:
    largest = max((abs(lever.difference) for lever in levers), default=Decimal(1))
    return [
        LeverRow(
            factor=str(FACTORS[lever.factor]),
            change=_label_change(lever),
            dollars=lever.dollars,
            difference=lever.difference,
            share=abs(lever.difference) / largest,
        )
        for lever in levers
    ]


def _label_change(lever: Lever) -> str:
    if lever.factor == "memory":
        return str(MemoryPolicy(lever.change).label)
    return str((LOCAL_CHANGES if lever.factor == "local" else CHANGES)[lever.change])


def build_weeks_chart(history: History) -> Chart | None:
    """Draw the cost of the whole weeks that the forecast is made from; None if there is none."""
    weeks = len(history.days) // WEEK
    used = list(history.days)[len(history.days) - weeks * WEEK :]
    if not used:
        return None
    sums = [
        sum(use.microdollars for use in used[start : start + WEEK]) for start in range(0, len(used), WEEK)
    ]
    labels = [date_format(used[start].day, "MONTH_DAY_FORMAT") for start in range(0, len(used), WEEK)]
    return build_column_chart(
        id="weeks",
        title=_("Cost of the weeks before"),
        description=_("From %(least)s to %(most)s a week.")
        % {"least": format_amount(min(sums) / MICRO), "most": format_amount(max(sums) / MICRO)},
        labels=labels,
        series=[
            Series(name=_("Dollars a week"), style="answer", values=[float(each / MICRO) for each in sums])
        ],
        format_value=lambda value: format_amount(Decimal(str(value))),
    )
