"""The pages of the labs: their list, and one view for all labs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import page_of_its_form, sign_in_required
from accounts.models import Person
from chat.formatting import REJECTIONS, format_rejection
from inference.errors import ModelError
from kit.free_text import free_text_fields, get_free_text
from kit.rate_limits import ClientRateLimit, RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from kit.texts import normalize_text
from labs.checks import TypedText, judge_texts, require_open_tutor
from labs.lab import Json, Lab
from labs.parts import PartStream, build_parts_response
from labs.registry import LABS
from labs.runs import HeldRun, LabRun, NoLabModel, choose_model, complete_run, start_run
from labs.saved_examples import SavedExample, find_saved_example
from routing.formatting import format_dollars
from safeguarding.counts import record_unstored_card
from safeguarding.crisis import CardTranslation, build_cards_in_all_languages, mark_judged
from safeguarding.response_texts import FixedText
from telemetry.metrics import Counter

# A live lab asks after each pause in typing.
free_runs = ClientRateLimit("labs, free", person="90/minute", network="600/minute", everyone="1800/minute")
paid_runs = RateLimit("labs", "20/minute;200/hour")
# The names of all fields in which people write, in any lab.
FREE_TEXT = ("text", "other", "pick", "question", "voice")

# With this header labs.js asks for what the page shows below its form ("outcome"), or for answers while they are
# written ("parts"). Without it the reply is a page.
REPLY_HEADER = "Lab-Reply"

RUNS = Counter("kitchen_lab_runs", "Runs of labs, by lab and result.", ("lab", "result"))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the page of a lab shows below its form."""

    result: dict[str, Any] | None = None
    run: LabRun | None = None
    saved_example: SavedExample | None = None
    # Why the model was not asked, or "".
    error: str = ""
    fixed_text: FixedText | None = None
    # The cards for a cry for help, which take the place of the page.
    cards: Sequence[CardTranslation] = ()
    # Whether the person asked for a run and no model could answer.
    is_model_down: bool = False
    # Whether the answers of the result are still being written.
    is_writing: bool = False
    status: int = HTTPStatus.OK
    rate_limited: RateLimited | None = None

    @property
    def cost_text(self) -> str:
        """What the run cost, in a sentence; "" if nothing ran."""
        return format_cost(self.run) if self.run else ""

    @property
    def announcement(self) -> str:
        """What a screen reader says about a run."""
        return str(self.result["announcement"]) if self.result and self.run else self.error

    @property
    def model_name(self) -> str:
        return self.run.model.model_name if self.run else ""


def format_cost(run: LabRun) -> str:
    """Say what a run cost the person."""
    if run.asked_at:
        return _(
            "This run cost nothing. The model answered these questions on %(moment)s, and its answers were kept, "
            "because it answers them the same way each time."
        ) % {"moment": date_format(timezone.localtime(run.asked_at), "DATETIME_FORMAT")}
    if not run.tokens:
        return _("This run cost nothing: the model only counted.")
    values = {
        "tokens": number_format(run.tokens, force_grouping=True),
        "price": format_dollars(run.microdollars),
    }
    return (
        ngettext(
            "This run used %(tokens)s token of your allowance and cost %(price)s.",
            "This run used %(tokens)s tokens of your allowance and cost %(price)s.",
            run.tokens,
        )
        % values
    )


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "labs/index.html", {"labs": LABS})


def build_view(lab: Lab) -> Callable[..., HttpResponseBase]:
    """Return the view of a lab. Anyone may open its page; where the model writes, a run needs a signed-in person."""

    @page_of_its_form
    @require_http_methods(["GET", "HEAD", "POST"])
    @free_text_fields(*FREE_TEXT)
    def show(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            return _answer(request, lab)
        form = lab.create_form(query=request.GET.dict())
        return _render_page(request, lab, form, _add_saved_example(lab, Outcome()))

    if not lab.needs_sign_in:
        return show

    signed_in = sign_in_required(show)

    @page_of_its_form
    @free_text_fields(*FREE_TEXT)
    def view(request: HttpRequest) -> HttpResponseBase:
        return signed_in(request) if request.method == "POST" else show(request)

    return view


def _answer(request: HttpRequest, lab: Lab) -> HttpResponseBase:
    """Answer a form with a page, or labs.js with the outcome or a stream of its parts."""
    form, wanted = lab.create_form(request.POST), request.headers.get(REPLY_HEADER, "")
    shows_parts = lab.shows_parts and wanted == "parts"
    outcome = _respond(request, lab, form, shows_parts=shows_parts)
    if isinstance(outcome, WritingRun):
        return _stream_parts(request, outcome)
    if outcome.cards:
        return _show_cards(request, outcome.cards)
    if outcome.is_model_down:
        outcome = _add_saved_example(lab, outcome)
    if not wanted:
        return _render_page(request, lab, form, outcome)
    reply = HttpResponse(_render_outcome(request, lab, form, outcome), status=outcome.status)
    return mark_rate_limited(reply, outcome.rate_limited) if outcome.rate_limited else reply


def _render_page(request: HttpRequest, lab: Lab, form: forms.Form, outcome: Outcome) -> HttpResponse:
    context = _build_context(lab, form, outcome) | {"labs": LABS}
    page = render(request, "labs/lab.html", context, status=outcome.status)
    return mark_rate_limited(page, outcome.rate_limited) if outcome.rate_limited else page


def _render_outcome(request: HttpRequest, lab: Lab, form: forms.Form, outcome: Outcome) -> str:
    """Return what labs.js puts in place: the outcome, and the fields of the form that it may have changed."""
    return render_to_string("labs/outcome_reply.html", _build_context(lab, form, outcome), request)


def _build_context(lab: Lab, form: forms.Form, outcome: Outcome) -> dict[str, Any]:
    if outcome.run and outcome.result and "carried" in outcome.result:
        # After a run the form may differ from what was sent: a picked piece is now part of the text.
        form = lab.form_class(initial=outcome.result["carried"])
    return {"lab": lab, "form": form, "outcome": outcome}


@dataclass(frozen=True, kw_only=True)
class WritingRun:
    """A run whose answers are shown while they are written."""

    lab: Lab
    form: forms.Form
    held: HeldRun
    typed: TypedText


def _stream_parts(request: HttpRequest, writing: WritingRun) -> HttpResponseBase:
    """Send the outcome without answers at once, then the answers as far as they are written, and last the outcome."""
    lab, form, given = writing.lab, writing.form, writing.form.cleaned_data
    beginning = Outcome(result=lab.build(given, writing.held.planned.beginning), is_writing=True)

    def finish(stream: PartStream) -> str:
        ask = partial(complete_run, writing.held, stream.send_part)
        return _render_outcome(request, lab, form, _finish_run(lab, given, ask))

    stream = PartStream(lab, given, is_ordinary=writing.typed.is_ordinary)
    stream.send_outcome(_render_outcome(request, lab, form, beginning))
    stream.start(finish)
    return build_parts_response(stream)


def _add_saved_example(lab: Lab, outcome: Outcome) -> Outcome:
    """Add the saved example of the lab, if it has one."""
    saved = find_saved_example(lab.slug)
    if saved is None:
        return outcome
    return replace(outcome, saved_example=saved, result=lab.build(saved.given, saved.raw))


def _show_cards(request: HttpRequest, cards: Sequence[CardTranslation]) -> HttpResponse:
    """Show the page of the crisis middleware. The middleware judges fields one by one, and a lab may join two."""
    page = render(
        request, "safeguarding/help_card_page.html", {"cards": cards, "was_sent": False, "next_url": ""}
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _respond(  # noqa: PLR0911 - one return for each reason not to run
    request: HttpRequest, lab: Lab, form: forms.Form, *, shows_parts: bool
) -> Outcome | WritingRun:
    """Judge what was typed, then run the lab if nothing prevents it. With `shows_parts`, only begin the run."""
    texts = {name: normalize_text(text) for name, text in get_free_text(request).items()}
    typed = judge_texts(lab.list_texts(texts))
    mark_judged(request)
    # Before the rate limit and every other reason to refuse.
    if typed.is_crisis:
        record_unstored_card(level=str(typed.verdict.level))
        return _count(lab, "crisis", Outcome(cards=build_cards_in_all_languages(typed.verdict)))
    person = request.user if isinstance(request.user, Person) else None
    try:
        _require_rate(request, lab, person)
    except RateLimited as error:
        outcome = Outcome(error=format_rate_limited(error), status=429, rate_limited=error)
        return _count(lab, "limited", outcome)
    if typed.fixed_text:
        return _count(lab, "refused", Outcome(fixed_text=typed.fixed_text))
    if not form.is_valid():
        return Outcome(status=HTTPStatus.UNPROCESSABLE_ENTITY)
    started = _start_run(lab, form.cleaned_data, person)
    if isinstance(started, HeldRun) and shows_parts:
        return WritingRun(lab=lab, form=form, held=started, typed=typed)
    if isinstance(started, HeldRun):
        return _finish_run(lab, form.cleaned_data, partial(complete_run, started))
    return started


def _require_rate(request: HttpRequest, lab: Lab, person: Person | None) -> None:
    if person and lab.needs_sign_in:
        paid_runs.hit(person.pk)
    else:
        free_runs.hit(request)


def _start_run(lab: Lab, given: dict[str, Any], person: Person | None) -> Outcome | HeldRun:
    """Begin a run, or return its outcome if the model need not be asked or may not."""

    def start() -> LabRun | HeldRun:
        plan = require_open_tutor(person) if lab.needs_sign_in and person is not None else None
        model = choose_model(person, plan)
        known: Json | None = lab.find_known_reply(given)
        return LabRun(raw=known, model=model) if known else start_run(lab.plan(given, model), model, person)

    try:
        started = start()
    except REJECTIONS as rejection:
        assert person is not None  # noqa: S101 - only a person's run is rejected
        error = format_rejection(rejection, person)
        return _count(lab, "rejected", Outcome(error=error, status=HTTPStatus.UNPROCESSABLE_ENTITY))
    except (NoLabModel, ModelError):
        return _count(lab, "no_model", Outcome(is_model_down=True))
    return started if isinstance(started, HeldRun) else _finish_run(lab, given, lambda: started)


def _finish_run(lab: Lab, given: dict[str, Any], complete: Callable[[], LabRun]) -> Outcome:
    """Complete a run, or say why not."""
    try:
        run = complete()
    except ModelError:
        return _count(lab, "no_model", Outcome(is_model_down=True))
    return _count(lab, "shown", Outcome(run=run, result=lab.build(given, run.raw)))


def _count(lab: Lab, result: str, outcome: Outcome) -> Outcome:
    RUNS.add(1, lab.slug, result)
    return outcome
