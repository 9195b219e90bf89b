"""Each verdict on a question leads to its own action."""

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
from budgets.selectors import get_meter
from chat import services
from chat.asking.follow_ups import retry_turn
from chat.errors import FamilyClosed, TutorClosed, TutorPaused
from chat.models import EndReason, Turn, TurnState
from chat.personal import export_conversations
from chat.prompt import add_turn_instructions, build_prompt
from chat.prompt_profiles import FULL
from chat.selectors import find_pause
from chat.turns.verdicts import find_fixed_text, get_action, get_cut_reason
from families.models import Consent, Link
from families.terms import ParentView
from guard import Action, Category, Level, Verdict
from inference.messages import AnswerDelta, TokenUsage
from tests.chat.conftest import Ask, Judged, written
from tests.chat.verdicts import COMPANION, HINTS, METHOD, STRESS, UNSAFE_HOME, build_verdict
from tests.library import fill_library

AsPerson = Callable[[Person], Client]
FIXED = [
    (HINTS, TurnState.PAUSED),
    (METHOD, TurnState.REFUSED),
    (COMPANION, TurnState.REDIRECTED),
    (UNSAFE_HOME, TurnState.CARDED),
]


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def read_page(client: Client, turn: Turn) -> str:
    page = client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    return " ".join(page.split())


@pytest.mark.parametrize(("given", "state"), FIXED)
class TestFixedTexts:
    def test_they_are_shown_at_once_and_cost_nothing(
        self,
        given: Verdict,
        state: TurnState,
        teen: Person,
        ask: Ask,
        judged: Judged,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        judged(given)
        settings.TUTOR_DAILY_TOKENS = 0
        with (
            patch("chat.turns.queue.nudge_worker") as nudged,
            django_capture_on_commit_callbacks(execute=True),
        ):
            turn = ask(teen)
        assert (turn.state, turn.tokens, turn.layer) == (state, 0, "test")
        assert turn.ended_at
        assert not nudged.called
        assert not Hold.objects.exists()

    def test_they_are_in_the_conversation_and_its_export(
        self, given: Verdict, state: TurnState, teen: Person, ask: Ask, judged: Judged, owner: Client
    ) -> None:
        judged(given)
        turn = ask(teen)
        assert turn.question in read_page(owner, turn)
        (row,) = export_conversations(teen)
        assert row["question"] == turn.question
        assert row["outcome"] == str(TurnState(state).label)

    def test_they_are_never_repeated_to_a_model(
        self, given: Verdict, state: TurnState, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(given)
        turn = ask(teen)
        assert len(build_prompt("Why?", remembered=[turn]).messages) == 2

    def test_the_question_does_not_become_the_title(
        self, given: Verdict, state: TurnState, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(given)
        assert ask(teen, "Something private").conversation.title == "A conversation"

    def test_the_api_returns_them(
        self, given: Verdict, state: TurnState, teen: Person, ask: Ask, judged: Judged, owner: Client
    ) -> None:
        judged(given)
        body = owner.get(reverse("chat_api:turn", args=[ask(teen).pk])).json()
        assert body["state"] == state
        parts = body["usage"].pop("prompt_parts")
        assert {*body["usage"].values(), *parts.values()} == {0}
        shown = body["fixed_text"] or body["card"]
        assert shown["heading"]
        assert shown["paragraphs"]


class TestPause:
    @pytest.fixture(autouse=True)
    def _hints(self, judged: Judged) -> None:
        judged(HINTS)

    def test_the_question_is_asked_unchanged_with_the_help_lines_beside_it(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        page = read_page(owner, ask(teen))
        assert "Are you thinking about killing yourself, or about hurting yourself?" in page
        assert 'href="tel:988"' in page
        assert "not yet been reviewed by a clinician" in page
        assert "The lesson is waiting for you" in page
        assert "Write here if you need help" in page

    def test_it_comes_before_a_closed_site(self, teen: Person, ask: Ask, settings: Settings) -> None:
        settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
        assert ask(teen).state == TurnState.PAUSED

    @pytest.mark.parametrize("word", ["no", "unsaid"])
    def test_the_teens_own_answer_ends_it(
        self, word: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        turn = ask(teen)
        reply = owner.post(reverse("chat:turn_check_in", args=[turn.pk]), {"answer": word})
        assert reply.headers["Location"].endswith(f"#turn-{turn.pk}")
        page = read_page(owner, turn)
        assert "Thank you. The lesson goes on below" in page
        assert "Your next question" in page
        judged(Verdict())
        assert ask(teen, "What is a noun?").state == TurnState.QUEUED

    def test_ends_by_itself_after_a_short_time(self, teen: Person, ask: Ask, judged: Judged) -> None:
        turn = ask(teen)
        judged(Verdict())
        with pytest.raises(TutorPaused):
            ask(teen, "What is a noun?")
        Turn.objects.filter(pk=turn.pk).update(ended_at=timezone.now() - timedelta(minutes=3))
        assert ask(teen, "What is a noun?").state == TurnState.QUEUED

    def test_a_yes_shows_the_card_of_a_stated_crisis(self, teen: Person, ask: Ask, owner: Client) -> None:
        turn = ask(teen)
        owner.post(reverse("chat:turn_check_in", args=[turn.pk]), {"answer": "yes"})
        turn.refresh_from_db()
        assert (turn.state, turn.level) == (TurnState.CARDED, Level.STATED)
        page = read_page(owner, turn)
        assert "you may be thinking about hurting yourself" in page
        assert "The tutor is resting" in page
        services.answer_check_in(turn=turn, is_yes=False)
        assert find_pause(teen)

    def test_no_parent_sees_that_yes(
        self, teen: Person, parent: Person, ask: Ask, owner: Client, as_person: AsPerson
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen, parent_view=ParentView.FLAGGED)
        turn = ask(teen, "nothing is worth it")
        owner.post(reverse("chat:turn_check_in", args=[turn.pk]), {"answer": "yes"})
        look = as_person(parent).get(reverse("chat:parent_view", args=[link.pk])).content.decode()
        assert "nothing is worth it" not in look

    def test_worry_about_others_and_about_eating_have_their_own_check_ins(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(build_verdict(Level.HINTS, Category.EATING_DISORDER))
        assert "Is the way you eat, or do not eat, hurting you?" in read_page(owner, ask(teen))
        judged(build_verdict(Level.HINTS, Category.HOPELESSNESS, Category.ABOUT_SOMEONE_ELSE))
        assert "Do you think that they may want to die" in read_page(owner, ask(teen))

    def test_a_hint_of_abuse_asks_about_safety_and_a_yes_shows_that_card(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        # A remote guard's verdicts on possible abuse, and on a trace of it.
        judged(build_verdict(Level.HINTS, Category.EXPLOITATION, Category.SEXUAL))
        turn = ask(teen)
        page = read_page(owner, turn)
        assert "Is someone hurting you, or asking you for things that feel wrong?" in page
        assert "killing yourself" not in page
        assert 'href="tel:18004224453"' in page
        owner.post(reverse("chat:turn_check_in", args=[turn.pk]), {"answer": "yes"})
        turn.refresh_from_db()
        assert (turn.state, turn.level) == (TurnState.CARDED, Level.UNSAFE_HOME)

    def test_a_check_in_never_shortens_the_pause_after_a_card(
        self, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(build_verdict(Level.ACUTE, Category.SUICIDE))
        card = ask(teen)
        judged(HINTS)
        ask(teen)
        pause = find_pause(teen)
        assert pause
        assert pause.turn == card

    def test_a_person_who_may_be_in_danger_is_not_rate_limited(self, owner: Client) -> None:
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
        page = read_page(owner, ask(teen))
        assert "Is it safe to talk?" in page
        assert "Who feels safe" in page
        assert 'href="tel:18004224453"' in page
        assert 'class="quick-exit"' in page

    def test_a_lesson_that_continues_reveals_nothing(self, teen: Person, ask: Ask, judged: Judged) -> None:
        ask(teen)
        judged(Verdict())
        assert ask(teen, "What is a noun?").state == TurnState.QUEUED

    @pytest.mark.parametrize("level", [Level.UNSAFE_HOME, Level.ACUTE])
    def test_no_parent_is_shown_it_whatever_was_agreed(
        self, level: Level, teen: Person, parent: Person, ask: Ask, as_person: AsPerson, judged: Judged
    ) -> None:
        link = Link.objects.create(parent=parent, teen=teen, parent_view=ParentView.FULL)
        judged(build_verdict(level, Category.UNSAFE_HOME))
        ask(teen, "what happens at home")
        look = as_person(parent).get(reverse("chat:parent_view", args=[link.pk])).content.decode()
        assert "what happens at home" not in look
        assert "No questions." in look


class TestImmediateDanger:
    @pytest.fixture(autouse=True)
    def _acute(self, judged: Judged) -> None:
        judged(build_verdict(Level.ACUTE, Category.SUICIDE))

    @pytest.mark.parametrize("minutes", [1, 31], ids=["while it rests", "until the teen goes on"])
    def test_the_card_stays_and_nothing_can_be_written_beside_it(
        self, minutes: int, teen: Person, ask: Ask, owner: Client
    ) -> None:
        turn = ask(teen)
        Turn.objects.update(ended_at=timezone.now() - timedelta(minutes=minutes))
        page = read_page(owner, turn)
        assert "Call your emergency number now" in page
        assert 'name="question"' not in page
        assert ("I am safe, and I want to go on" in page) is (minutes > 30)

    def test_every_page_of_the_tutor_leads_to_the_emergency_number_and_back_to_the_card(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        turn = ask(teen)
        page = " ".join(owner.get("/tutor/").content.decode().split())
        assert 'href="tel:911"' in page
        assert f'href="/tutor/{turn.conversation_id}#turn-{turn.pk}"' in page
        assert "Back to the help card" in page
        # Nothing pushes the button off a phone's screen.
        assert "Before you ask" not in page
        assert 'name="question"' not in page

    def test_what_is_sent_all_the_same_is_judged(self, teen: Person, ask: Ask, owner: Client) -> None:
        ask(teen)
        owner.post(reverse("chat:ask"), {"question": "from another tab", "turn_id": uuid4()})
        assert Turn.objects.get(question="from another tab").state == TurnState.CARDED

    def test_the_box_is_back_once_the_teen_goes_on(self, teen: Person, ask: Ask, owner: Client) -> None:
        ask(teen)
        Turn.objects.update(ended_at=timezone.now() - timedelta(minutes=31))
        assert 'name="question"' in owner.post(reverse("chat:end_pause"), follow=True).content.decode()

    def test_after_a_lesser_card_the_box_stays(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(build_verdict(Level.STATED, Category.SUICIDE))
        page = read_page(owner, ask(teen))
        assert "Write here if you need help" in page
        assert "Back to the help card" in page


class TestSupport:
    @pytest.fixture(autouse=True)
    def _stress(self, judged: Judged) -> None:
        judged(STRESS)

    def test_it_is_answered_as_usual_with_a_line_above_and_help_below(
        self, teen: Person, ask: Ask, owner: Client
    ) -> None:
        turn = ask(teen, "Everything is too much. How do fractions work?")
        assert turn.state == TurnState.QUEUED
        assert "That sounds like a lot to carry." in read_page(owner, turn)
        Turn.objects.update(state=TurnState.ANSWERED, answer="Parts of a whole.", ended_at=timezone.now())
        page = read_page(owner, turn)
        line, answer, who = (
            page.index(words)
            for words in ("That sounds like a lot", "Parts of a whole.", "Who could help with it?")
        )
        assert line < answer < who

    def test_the_model_is_told_to_acknowledge_it_and_the_hold_covers_that(
        self, teen: Person, ask: Ask
    ) -> None:
        turn = ask(teen)
        prompt = add_turn_instructions(build_prompt(turn.question, remembered=[]), turn)
        assert FULL.support_instruction in prompt.messages[-1]["content"]
        assert Hold.objects.get().tokens >= prompt.tokens_at_most + turn.max_answer_tokens

    def test_no_other_turn_gets_that_instruction(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(Verdict())
        turn = ask(teen)
        assert (
            FULL.support_instruction
            not in add_turn_instructions(build_prompt(turn.question, remembered=[]), turn).messages[-1][
                "content"
            ]
        )

    def test_a_question_that_fills_the_context_drops_the_instruction(
        self, teen: Person, settings: Settings
    ) -> None:
        question, turn = "why " * 60, Turn(level=Level.STRESS, state=TurnState.QUEUED)
        settings.TUTOR_CONTEXT_TOKENS = build_prompt(question, remembered=[]).tokens_at_most + 70
        assert (
            FULL.support_instruction
            not in add_turn_instructions(build_prompt(question, remembered=[]), turn).messages[-1]["content"]
        )

    @pytest.mark.parametrize(
        ("category", "words"),
        [
            (Category.BULLYING, "No one deserves to be treated like that."),
            (Category.ABOUT_SOMEONE_ELSE, "It is kind that you worry"),
        ],
    )
    def test_its_words_fit(
        self, category: Category, words: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(build_verdict(Level.STRESS, category))
        assert words in read_page(owner, ask(teen))

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("unnudged")
    def test_the_real_model_answers_it(self, teen: Person, ask: Ask, settings: Settings) -> None:
        settings.TUTOR_ANSWER_TOKENS = 40
        turn = written(ask(teen, "I am stressed. What is a noun?"))
        assert turn.state == TurnState.ANSWERED
        assert turn.prompt_tokens > build_prompt(turn.question, remembered=[]).tokens_likely / 2


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
        judged(build_verdict(Level.NONE, category))
        turn = ask(teen)
        fixed_text = find_fixed_text(turn)
        assert fixed_text
        assert len(fixed_text.offers) >= 2
        page = read_page(owner, turn)
        assert "What you can ask instead" in page
        assert all(offer in page for offer in fixed_text.offers)

    def test_a_way_to_harm_comes_with_help(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(METHOD)
        page = read_page(owner, ask(teen))
        section = page[
            page.index('class="fixed-text"') : page.index("</section>", page.index('class="fixed-text"'))
        ]
        assert reverse("safeguarding:help_now") in section

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
            (Category.MEDICAL, "Ask someone who can look at it"),
            (Category.LEGAL, "Ask someone who knows the law where you live"),
        ],
    )
    def test_it_names_who_can_help_and_the_lesson_that_fits(
        self, category: Category, words: str, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        fill_library()
        judged(build_verdict(Level.NONE, category))
        turn = ask(teen)
        page = read_page(owner, turn)
        assert words in page
        assert 'href="/learn/good-and-bad/' in page
        body = owner.get(reverse("chat_api:turn", args=[turn.pk])).json()
        assert body["passages"][0]["url"].startswith("/learn/good-and-bad/")

    def test_without_such_a_lesson_it_names_none(
        self, teen: Person, ask: Ask, owner: Client, judged: Judged
    ) -> None:
        judged(COMPANION)
        assert "Read the lesson" not in read_page(owner, ask(teen))


def saying(text: str) -> Callable[..., AsyncGenerator[AnswerDelta | TokenUsage]]:
    """A model that sends only this text, word by word, and reports no usage."""

    async def stream(**_how: object) -> AsyncGenerator[AnswerDelta | TokenUsage]:
        for count, word in enumerate(text.split(), 1):
            yield AnswerDelta(f"{word} ", count)
        yield TokenUsage(prompt_tokens=None, answer_tokens=None, has_reached_limit=False)

    return stream


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("unnudged")
class TestACutAnswer:
    CUTS = [
        (
            "Of course. I love you so much, my darling, and more.",
            EndReason.ROMANCE,
            "speak of love or closeness",
        ),
        ("Trust me, I am a real person like you, and more.", EndReason.CLAIMS_HUMAN, "pass for a person"),
    ]

    @pytest.mark.parametrize(("answer", "end_reason", "words"), CUTS)
    def test_a_kind_text_for_its_category_replaces_it(
        self,
        answer: str,
        end_reason: EndReason,
        words: str,
        teen: Person,
        ask: Ask,
        owner: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("chat.answering.writing.stream_answer", saying(answer))
        turn = written(ask(teen))
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, end_reason, "")
        page = read_page(owner, turn)
        assert words in page
        assert "darling" not in page
        for offer in (
            "Ask in another way",
            "See the lessons",
            "Help from people, now",
            "This wasn’t what I meant",
        ):
            assert offer in page

    def test_what_was_generated_is_billed_and_no_more(
        self, teen: Person, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "chat.answering.writing.stream_answer", saying(f"I love you so much, my darling. {'more ' * 300}")
        )
        turn = written(ask(teen))
        assert turn.state == TurnState.CUT
        assert 0 < turn.answer_tokens < 30
        assert get_meter(owner=teen).spent == turn.tokens
        assert get_meter(owner=teen).held == 0

    def test_the_lessons_it_drew_on_are_offered(
        self, teen: Person, ask: Ask, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_library()
        monkeypatch.setattr("chat.answering.writing.stream_answer", saying("I love you so much, my darling."))
        turn = written(ask(teen, "Why does AI make things up?"))
        assert "Read the lesson: It sounds sure even when it is wrong" in read_page(owner, turn)


@pytest.mark.parametrize(
    ("categories", "end_reason"),
    [
        ([Category.ROMANCE, Category.METHOD], EndReason.METHOD),
        ([Category.ENCOURAGEMENT, Category.ISOLATION], EndReason.ENCOURAGEMENT),
        ([Category.SECRETS], EndReason.SECRETS),
        ([Category.VIOLENCE], EndReason.OTHER),
        ([], EndReason.OTHER),
    ],
)
def test_of_several_reasons_for_a_cut_the_gravest_is_kept(
    categories: Iterable[Category], end_reason: EndReason
) -> None:
    assert get_cut_reason(Verdict(categories=frozenset(categories))) == end_reason


def test_the_action_is_known_from_the_turn_alone() -> None:
    asked = Turn(state=TurnState.REFUSED, level="0", categories=["crime"])
    assert get_action(asked) is Action.REFUSE
    assert get_action(Turn(state=TurnState.ANSWERED, level="1")) is Action.SUPPORT
    assert get_action(Turn(state=TurnState.CARDED, level="3")) is Action.CARD


def test_a_retry_is_judged_again(teen: Person, ask: Ask, judged: Judged) -> None:
    turn = ask(teen)
    services.stop_turn(turn=turn)
    turn.refresh_from_db()
    judged(METHOD)
    again = retry_turn(person=teen, failed=turn, turn_id=uuid4()).turn
    assert again.state == TurnState.REFUSED
