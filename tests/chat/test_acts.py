"""What becomes of a question by the guard's verdict: never one wall for everything."""

from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Person
from budgets.models import Hold
from budgets.selectors import meter
from chat import services
from chat.asking import services as asking
from chat.errors import FamilyClosed, TutorClosed, TutorPaused
from chat.models import Ending, State, Turn
from chat.personal import conversations_export
from chat.prompt import KINDLY, for_turn, prompt_for
from chat.selectors import pause_of
from chat.turns.verdicts import action_of, ending_of_cut, said_of
from families.models import Consent, Link
from families.terms import View
from guard import Action, Category, Level, Verdict
from inference.talk import Usage, Words
from tests.chat.conftest import Ask, Judged, written
from tests.chat.verdicts import COMPANION, HINTS, METHOD, STRESS, UNSAFE_HOME, verdict
from tests.library import fill_library

AsPerson = Callable[[Person], Client]
FIXED = [
    (HINTS, State.PAUSED),
    (METHOD, State.REFUSED),
    (COMPANION, State.REDIRECTED),
    (UNSAFE_HOME, State.CARDED),
]


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def page_of(client: Client, turn: Turn) -> str:
    page = client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    return " ".join(page.split())


@pytest.mark.parametrize(("given", "state"), FIXED)
class TestFixedWords:
    def test_they_come_at_once_and_cost_nothing(
        self,
        given: Verdict,
        state: State,
        teen: Person,
        ask: Ask,
        judged: Judged,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        judged(given)
        settings.TUTOR_DAILY_TOKENS = 0
        with patch("chat.turns.queue.send") as nudged, django_capture_on_commit_callbacks(execute=True):
            turn = ask(teen)
        assert (turn.state, turn.tokens, turn.layer) == (state, 0, "test")
        assert turn.ended_at
        assert not nudged.called
        assert not Hold.objects.exists()

    def test_they_stand_in_the_conversation_and_in_its_copy(
        self, given: Verdict, state: State, teen: Person, ask: Ask, judged: Judged, owner: Client
    ) -> None:
        judged(given)
        turn = ask(teen)
        assert turn.question in page_of(owner, turn)
        (row,) = conversations_export(teen)
        assert row["question"] == turn.question
        assert row["outcome"] == str(State(state).label)

    def test_they_are_never_repeated_to_a_model(
        self, given: Verdict, state: State, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(given)
        turn = ask(teen)
        assert len(prompt_for("Why?", past=[turn]).messages) == 2

    def test_the_question_does_not_become_the_conversations_name(
        self, given: Verdict, state: State, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(given)
        assert ask(teen, "Something private").conversation.title == "A conversation"

    def test_the_api_tells_them(
        self, given: Verdict, state: State, teen: Person, ask: Ask, judged: Judged, owner: Client
    ) -> None:
        judged(given)
        told = owner.get(reverse("chat_api:turn", args=[ask(teen).pk])).json()
        assert told["state"] == state
        assert told["usage"] == {"prompt_tokens": 0, "answer_tokens": 0, "microdollars": 0}
        shown = told["said"] or told["card"]
        assert shown["heading"]
        assert shown["paragraphs"]


class TestPause:
    @pytest.fixture(autouse=True)
    def _hints(self, judged: Judged) -> None:
        judged(HINTS)

    def test_the_question_is_asked_as_it_is_with_the_help_lines_beside_it(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        page = page_of(owner, ask(teen))
        assert "Are you thinking about killing yourself, or about hurting yourself?" in page
        assert 'href="tel:988"' in page
        assert "not yet been reviewed by a clinician" in page
        assert "The lesson waits for you" in page
        assert "Write here if you need help" in page

    def test_it_comes_before_a_closed_site(self, teen: Person, ask: Ask, settings: Settings) -> None:
        settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
        assert ask(teen).state == State.PAUSED

    @pytest.mark.parametrize("word", ["no", "unsaid"])
    def test_the_teens_own_answer_ends_it(
        self, word: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        turn = ask(teen)
        reply = owner.post(reverse("chat:turn_answer", args=[turn.pk]), {"answer": word})
        assert reply.headers["Location"].endswith(f"#turn-{turn.pk}")
        page = page_of(owner, turn)
        assert "Thank you. The lesson goes on below" in page
        assert "Your next question" in page
        judged(Verdict())
        assert ask(teen, "What is a noun?").state == State.QUEUED

    def test_so_does_a_short_time(self, teen: Person, ask: Ask, judged: Judged) -> None:
        turn = ask(teen)
        judged(Verdict())
        with pytest.raises(TutorPaused):
            ask(teen, "What is a noun?")
        Turn.objects.filter(pk=turn.pk).update(ended_at=timezone.now() - timedelta(minutes=3))
        assert ask(teen, "What is a noun?").state == State.QUEUED

    def test_a_yes_brings_the_card_of_somebody_who_said_it(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        turn = ask(teen)
        owner.post(reverse("chat:turn_answer", args=[turn.pk]), {"answer": "yes"})
        turn.refresh_from_db()
        assert (turn.state, turn.level) == (State.CARDED, Level.STATED)
        page = page_of(owner, turn)
        assert "you may be thinking about hurting yourself" in page
        assert "The tutor is resting" in page
        services.question_answer(turn=turn, is_yes=False)
        assert pause_of(teen)

    def test_no_parent_sees_that_yes(
        self, teen: Person, parent: Person, ask: Ask, owner: Client, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen, view=View.FLAGGED)
        turn = ask(teen, "nothing is worth it")
        owner.post(reverse("chat:turn_answer", args=[turn.pk]), {"answer": "yes"})
        look = as_person(parent).get(reverse("chat:look", args=[link.pk])).content.decode()
        assert "nothing is worth it" not in look

    def test_worry_about_somebody_else_and_about_eating_have_questions_of_their_own(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(verdict(Level.HINTS, Category.EATING_DISORDER))
        assert "Is the way you eat, or do not eat, hurting you?" in page_of(owner, ask(teen))
        judged(verdict(Level.HINTS, Category.HOPELESSNESS, Category.ABOUT_SOMEONE_ELSE))
        assert "Do you think that they may want to die" in page_of(owner, ask(teen))

    def test_a_hint_that_others_do_harm_is_asked_about_that_and_a_yes_brings_its_card(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        # As a guard elsewhere says of what may be abuse, and of a mere trace of it.
        judged(verdict(Level.HINTS, Category.EXPLOITATION, Category.SEXUAL))
        turn = ask(teen)
        page = page_of(owner, turn)
        assert "Is somebody hurting you, or asking you for things that feel wrong?" in page
        assert "killing yourself" not in page
        assert 'href="tel:18004224453"' in page
        owner.post(reverse("chat:turn_answer", args=[turn.pk]), {"answer": "yes"})
        turn.refresh_from_db()
        assert (turn.state, turn.level) == (State.CARDED, Level.UNSAFE_HOME)

    def test_it_never_shortens_the_rest_after_a_card(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(verdict(Level.ACUTE, Category.SUICIDE))
        card = ask(teen)
        judged(HINTS)
        ask(teen)
        pause = pause_of(teen)
        assert pause
        assert pause.turn == card

    def test_whoever_may_be_in_danger_is_not_told_to_slow_down(self, owner: Client) -> None:
        codes = {
            owner.post(reverse("chat:ask"), {"question": f"{n}", "turn_id": uuid4()}).status_code
            for n in range(15)
        }
        assert codes == {302}


class TestUnsafeHome:
    @pytest.fixture(autouse=True)
    def _unsafe(self, judged: Judged) -> None:
        judged(UNSAFE_HOME)

    def test_its_card_asks_whether_it_is_safe_and_can_be_left_quickly(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        page = page_of(owner, ask(teen))
        assert "Is it safe to talk?" in page
        assert "Who feels safe" in page
        assert 'href="tel:18004224453"' in page
        assert 'class="quick-exit"' in page

    def test_the_lesson_may_go_on_so_that_nothing_shows(self, teen: Person, ask: Ask, judged: Judged) -> None:
        ask(teen)
        judged(Verdict())
        assert ask(teen, "What is a noun?").state == State.QUEUED

    @pytest.mark.parametrize("level", [Level.UNSAFE_HOME, Level.ACUTE])
    def test_no_parent_is_shown_it_whatever_was_agreed(
        self, level: Level, teen: Person, parent: Person, ask: Ask, as_person: AsPerson, judged: Judged
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen, view=View.FULL)
        judged(verdict(level, Category.UNSAFE_HOME))
        ask(teen, "what happens at home")
        look = as_person(parent).get(reverse("chat:look", args=[link.pk])).content.decode()
        assert "what happens at home" not in look
        assert "No questions." in look


class TestSupport:
    @pytest.fixture(autouse=True)
    def _stress(self, judged: Judged) -> None:
        judged(STRESS)

    def test_it_is_answered_as_usual_with_a_line_above_and_help_below(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        turn = ask(teen, "Everything is too much. How do fractions work?")
        assert turn.state == State.QUEUED
        assert "That sounds like a lot to carry." in page_of(owner, turn)
        Turn.objects.update(state=State.ANSWERED, answer="Parts of a whole.", ended_at=timezone.now())
        page = page_of(owner, turn)
        line, answer, who = (
            page.index(words)
            for words in ("That sounds like a lot", "Parts of a whole.", "Who could help with it?")
        )
        assert line < answer < who

    def test_the_model_is_told_to_acknowledge_it_and_the_hold_covers_that(
        self, teen: Person, ask: Ask
    ) -> None:
        turn = ask(teen)
        prompt = for_turn(prompt_for(turn.question, past=[]), turn)
        assert prompt.messages[0]["content"].endswith(KINDLY)
        assert Hold.objects.get().tokens >= prompt.tokens_at_most + turn.answer_cap

    def test_no_other_turn_is_told_so(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(Verdict())
        turn = ask(teen)
        assert KINDLY not in for_turn(prompt_for(turn.question, past=[]), turn).messages[0]["content"]

    def test_a_question_that_fills_the_context_goes_before_it(self, teen: Person, settings: Settings) -> None:
        question, turn = "why " * 60, Turn(level=Level.STRESS, state=State.QUEUED)
        settings.TUTOR_CONTEXT_TOKENS = prompt_for(question, past=[]).tokens_at_most + 70
        assert KINDLY not in for_turn(prompt_for(question, past=[]), turn).messages[0]["content"]

    @pytest.mark.parametrize(
        ("category", "words"),
        [
            (Category.BULLYING, "Nobody deserves to be treated like that."),
            (Category.ABOUT_SOMEONE_ELSE, "It is kind that you worry"),
        ],
    )
    def test_its_words_fit(
        self, category: Category, words: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(verdict(Level.STRESS, category))
        assert words in page_of(owner, ask(teen))

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged")
    def test_the_real_model_answers_it(self, teen: Person, ask: Ask, settings: Settings) -> None:
        settings.TUTOR_ANSWER_TOKENS = 40
        turn = written(ask(teen, "I am stressed. What is a noun?"))
        assert turn.state == State.ANSWERED
        assert turn.prompt_tokens > prompt_for(turn.question, past=[]).tokens_likely / 2


class TestRefusing:
    @pytest.mark.parametrize(
        "category",
        [
            Category.METHOD, Category.SEXUAL, Category.VIOLENCE, Category.HATE, Category.DRUGS, Category.CRIME,
            Category.INJECTION,
        ],
    )  # fmt: skip
    def test_it_says_what_can_be_asked_instead(
        self, category: Category, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(verdict(Level.NONE, category))
        turn = ask(teen)
        said = said_of(turn)
        assert said
        assert len(said.offers) >= 2
        page = page_of(owner, turn)
        assert "What you can ask instead" in page
        assert all(offer in page for offer in said.offers)

    def test_a_way_to_harm_comes_with_help(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(METHOD)
        page = page_of(owner, ask(teen))
        said = page[page.index('class="said"') : page.index("</section>", page.index('class="said"'))]
        assert reverse("safeguarding:help_now") in said

    def test_a_tutor_that_is_closed_says_that_first(
        self, teen: Person, ask: Ask, judged: Judged, settings: Settings
    ) -> None:
        judged(METHOD)
        Consent.objects.all().delete()
        with pytest.raises(FamilyClosed):
            ask(teen)
        settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
        with pytest.raises(TutorClosed):
            ask(teen)


class TestRedirecting:
    @pytest.mark.parametrize(
        ("category", "words"),
        [
            (Category.COMPANION, "This is a tutor, and a program"),
            (Category.MEDICAL, "Ask somebody who can look at it"),
            (Category.LEGAL, "Ask somebody who knows the law where you live"),
        ],
    )
    def test_it_names_who_can_and_the_lesson_that_fits(
        self, category: Category, words: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        fill_library()
        judged(verdict(Level.NONE, category))
        turn = ask(teen)
        page = page_of(owner, turn)
        assert words in page
        assert 'href="/learn/good-and-bad/' in page
        told = owner.get(reverse("chat_api:turn", args=[turn.pk])).json()
        assert told["lessons"][0]["url"].startswith("/learn/good-and-bad/")

    def test_without_such_a_lesson_it_names_none(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(COMPANION)
        assert "Read the lesson" not in page_of(owner, ask(teen))


def saying(text: str) -> Callable[..., AsyncGenerator[Words | Usage]]:
    """A model that says this and nothing else, a word at a time, and reports no usage."""

    async def stream(**_how: object) -> AsyncGenerator[Words | Usage]:
        for count, word in enumerate(text.split(), 1):
            yield Words(f"{word} ", count)
        yield Usage(prompt_tokens=None, answer_tokens=None, reached_limit=False)

    return stream


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("unnudged")
class TestACutAnswer:
    CUTS = [
        (
            "Of course. I love you so much, my darling, and more.",
            Ending.ROMANCE,
            "speak of love or closeness",
        ),
        ("Trust me, I am a real person like you, and more.", Ending.CLAIMS_HUMAN, "pass for a person"),
    ]

    @pytest.mark.parametrize(("answer", "ending", "words"), CUTS)
    def test_kind_words_by_category_stand_in_its_place(
        self,
        answer: str,
        ending: Ending,
        words: str,
        teen: Person,
        ask: Ask,
        owner: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("chat.answering.draft.answer_stream", saying(answer))
        turn = written(ask(teen))
        assert (turn.state, turn.ending, turn.answer) == (State.WITHHELD, ending, "")
        page = page_of(owner, turn)
        assert words in page
        assert "darling" not in page
        for offer in (
            "Ask in another way",
            "Look at the lessons",
            "Help from people, now",
            "This wasn’t what I meant",
        ):
            assert offer in page

    def test_what_was_generated_is_billed_and_no_more(
        self, teen: Person, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "chat.answering.draft.answer_stream", saying(f"I love you so much, my darling. {'more ' * 300}")
        )
        turn = written(ask(teen))
        assert turn.state == State.WITHHELD
        assert 0 < turn.answer_tokens < 30
        assert meter(owner=teen).spent == turn.tokens
        assert meter(owner=teen).held == 0

    def test_the_lessons_it_drew_on_are_offered(
        self, teen: Person, ask: Ask, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library()
        monkeypatch.setattr("chat.answering.draft.answer_stream", saying("I love you so much, my darling."))
        turn = written(ask(teen, "Why does AI make things up?"))
        assert "Read the lesson: It sounds sure even when it is wrong" in page_of(owner, turn)


@pytest.mark.parametrize(
    ("categories", "ending"),
    [
        ([Category.ROMANCE, Category.METHOD], Ending.METHOD),
        ([Category.ENCOURAGEMENT, Category.ISOLATION], Ending.ENCOURAGEMENT),
        ([Category.SECRETS], Ending.SECRETS),
        ([Category.VIOLENCE], Ending.OTHER),
        ([], Ending.OTHER),
    ],
)
def test_of_several_reasons_for_a_cut_the_gravest_is_kept(
    categories: Iterable[Category], ending: Ending
) -> None:
    assert ending_of_cut(Verdict(categories=frozenset(categories))) == ending


def test_what_was_done_is_told_from_the_turn_alone() -> None:
    asked = Turn(state=State.REFUSED, level="0", categories=["crime"])
    assert action_of(asked) is Action.REFUSE
    assert action_of(Turn(state=State.ANSWERED, level="1")) is Action.SUPPORT
    assert action_of(Turn(state=State.CARDED, level="3")) is Action.CARD


def test_a_retry_is_judged_again(teen: Person, ask: Ask, judged: Judged) -> None:
    turn = ask(teen)
    services.turn_stop(turn=turn)
    turn.refresh_from_db()
    judged(METHOD)
    again = asking.turn_retry(person=teen, failed=turn, turn_id=uuid4()).turn
    assert again.state == State.REFUSED
