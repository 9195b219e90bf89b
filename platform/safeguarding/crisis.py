"""Hears a cry for help in a request, whatever else is wrong with it, and shows the help card at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils import translation

from accounts.access import delete_unsent_form, is_htmx
from guard import Action, Verdict, action_for, judge_conversation, merge_verdicts
from kit.free_text import get_free_text
from kit.languages import get_page_language
from safeguarding.cards import CrisisCard, build_card

# These come before consent, quiet hours, limits and every other reason not to take a text.
CRISIS_ACTIONS = frozenset({Action.CARD, Action.PAUSE})
IS_JUDGED = "is_judged_for_crisis"

type Handler = Callable[[HttpRequest], HttpResponseBase]


def find_crisis(texts: Iterable[str]) -> Verdict | None:
    """The verdict on texts of which one may be a cry for help; None when none is. Each is judged by itself."""
    verdict = merge_verdicts(*(judge_conversation([("user", text)]) for text in texts))
    return verdict if action_for(verdict) in CRISIS_ACTIONS else None


def build_cards_for_search(request: HttpRequest, words: str) -> "Sequence[CardTranslation]":
    """The help card to show above what a search found, where its words are a crisis.

    The page then stays as it is: people also look for what is written about a crisis.
    """
    mark_judged(request)
    verdict = judge_conversation([("user", words)]) if words.strip() else Verdict()
    return build_cards_in_all_languages(verdict) if verdict.is_crisis else ()


def mark_judged(request: HttpRequest) -> None:
    """Called by a view that has judged the request's free text itself and answers a crisis on its own page."""
    setattr(request, IS_JUDGED, True)


def crisis_middleware(get_response: Handler) -> Handler:
    """Show the help card instead of any answer to a request whose free text is a cry for help.

    Which fields are free text is named at the view, by `kit.free_text.free_text_fields`. The texts are judged
    after the view, and also when it was never reached: the session is over, the form's token is old, a limit is
    reached, the address leads nowhere, the database is away. Nothing is stored here.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if getattr(request, IS_JUDGED, False):
            return response
        verdict = find_crisis(get_free_text(request).values())
        return response if verdict is None else _build_card_response(request, verdict, response)

    return middleware


@dataclass(frozen=True)
class CardTranslation:
    """A card in one language. `name` is what its speakers call the language."""

    code: str
    name: str
    card: CrisisCard


def _build_card_response(request: HttpRequest, verdict: Verdict, answer: HttpResponseBase) -> HttpResponse:
    """The help card in place of `answer`; or beside it, for htmx, when the answer says that the text was taken."""
    is_away = answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if not is_away:
        # What could not be taken waits there to be sent again; of a cry for help nothing is stored.
        delete_unsent_form(request)
    is_taken = answer.status_code < HTTPStatus.BAD_REQUEST and not _leads_to_sign_in(answer)
    context = {
        "cards": build_cards_in_all_languages(verdict),
        "is_taken": is_taken and request.method == "POST",
        "onward": answer.headers.get("Location", "") if is_taken else "",
    }
    private = {"Cache-Control": "no-store"}
    if is_htmx(request):
        card = render_to_string("safeguarding/help_card.html", context)
        if is_taken and isinstance(answer, HttpResponse):
            swap = f'<hx-partial hx-target="#help-card" hx-swap="innerHTML">{card}</hx-partial>'
            return HttpResponse(answer.content + swap.encode(), headers=private)
        place = {"HX-Retarget": "#help-card", "HX-Reswap": "innerHTML show:#help-card:top"}
        return HttpResponse(card, headers=private | place)
    # Where the records are away, the session is too: the page is then rendered as for a visitor.
    page = render_to_string("safeguarding/help_card_page.html", context, None if is_away else request)
    is_refused = answer.status_code >= HTTPStatus.BAD_REQUEST
    return HttpResponse(page, status=answer.status_code if is_refused else HTTPStatus.OK, headers=private)


def _leads_to_sign_in(answer: HttpResponseBase) -> bool:
    return urlsplit(answer.headers.get("Location", "")).path == resolve_url(settings.LOGIN_URL)


def build_cards_in_all_languages(verdict: Verdict) -> Sequence[CardTranslation]:
    """The card in the page's language first. The others stand below it, as no language is guessed in a crisis."""
    current = get_page_language()
    codes = sorted((code for code, _name in settings.LANGUAGES), key=lambda code: code != current)
    spoken = []
    for code in codes:
        with translation.override(code):
            card = build_card(verdict, country=settings.HELP_COUNTRY)
        spoken.append(CardTranslation(code, translation.get_language_info(code)["name_local"], card))
    return spoken
