"""What a prompt profile adds to requests, and what the demo's model makes of the small one."""

import pytest

from accounts.models import Person
from chat.models import EndReason, TurnState
from chat.prompt_profiles import SMALL
from tests.chat.conftest import Ask, written
from tests.quirk_cases import ANSWER, END, PIECES
from tests.quirks import answered_by
from tests.scripted import OK, Script, error_reply, scripted, stop, used, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged", "short_answers")]


class TestTheSampler:
    @pytest.mark.usefixtures("small")
    def test_of_the_profile_is_in_the_request(self, teen: Person, ask: Ask) -> None:
        with scripted([OK, words(*PIECES), END]) as serving, answered_by(serving):
            written(ask(teen))
        assert {**serving.asked[0], **SMALL.request_fields} == serving.asked[0]

    def test_is_the_servers_own_otherwise(self, teen: Person, ask: Ask) -> None:
        with scripted([OK, words(*PIECES), END]) as serving, answered_by(serving):
            written(ask(teen))
        assert not SMALL.request_fields.keys() & serving.asked[0].keys()

    @pytest.mark.usefixtures("small")
    def test_yields_to_the_settings(self, teen: Person, ask: Ask) -> None:
        extra = {"temperature": 0.9}
        with scripted([OK, words(*PIECES), END]) as serving, answered_by(serving, TUTOR_EXTRA_BODY=extra):
            written(ask(teen))
        assert serving.asked[0]["temperature"] == 0.9

    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize("status", [400, 422])
    def test_is_left_out_where_a_server_refuses_it(self, status: int, teen: Person, ask: Ask) -> None:
        one, two = (
            error_reply(status, f"Unrecognized request argument supplied: {name}")
            for name in ("dry_base", "temperature")
        )
        with (
            scripted([one], [two], [OK, words(*PIECES), END]) as serving,
            answered_by(serving, TUTOR_MODEL=f"picky-{status}"),
        ):
            assert [written(ask(teen)).answer for _ in range(2)] == [ANSWER, ANSWER]
        assert len(serving.asked) == 4
        for asked in serving.asked[2:]:
            assert not {"dry_base", "temperature"} & asked.keys()
            assert asked["dry_multiplier"] == SMALL.request_fields["dry_multiplier"]

    @pytest.mark.usefixtures("small")
    def test_of_the_settings_is_never_left_out(self, teen: Person, ask: Ask) -> None:
        no = error_reply(400, "Unsupported value: 'temperature'")
        with scripted([no]) as serving, answered_by(serving, TUTOR_EXTRA_BODY={"temperature": 9}):
            assert written(ask(teen)).state == TurnState.FAILED
        assert len(serving.asked) == 1


class TestAnAnswerThatReachesItsLimit:
    """The pieces end in the middle of a sentence, at the limit."""

    CUT: Script = [OK, words("Rain falls. ", "It comes ", "from clo"), stop("length"), used(50, 6)]

    @pytest.mark.usefixtures("small")
    def test_loses_its_unfinished_sentence_with_a_small_model(self, teen: Person, ask: Ask) -> None:
        with scripted(self.CUT) as serving, answered_by(serving):
            turn = written(ask(teen))
        assert (turn.answer, turn.end_reason) == ("Rain falls.", EndReason.LENGTH_LIMIT)
        assert turn.answer_tokens == 6

    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize("text", ["Rain falls. It comes from clouds.", "Rain that falls from clo"])
    def test_keeps_its_last_sentence_if_that_is_whole_or_the_only_one(
        self, text: str, teen: Person, ask: Ask
    ) -> None:
        with scripted([OK, words(text), stop("length"), used(50, 6)]) as serving, answered_by(serving):
            assert written(ask(teen)).answer == text

    def test_keeps_all_with_another_model(self, teen: Person, ask: Ask) -> None:
        with scripted(self.CUT) as serving, answered_by(serving):
            assert written(ask(teen)).answer == "Rain falls. It comes from clo"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "question",
    [
        "Why is the sky blue?",
        "How does an AI chatbot know what to write?",
        "I have a science test on Friday. Can you make me a study plan?",
    ],
)
def test_the_demos_model_writes_sentences_without_repetition(question: str, teen: Person, ask: Ask) -> None:
    turn = written(ask(teen, question))
    assert turn.state == TurnState.ANSWERED
    assert turn.answer_tokens <= (SMALL.answer_tokens or 0)
    sentences = [sentence for sentence in turn.answer.replace("\n", " ").split(". ") if len(sentence) > 30]
    assert len(sentences) == len(set(sentences)) > 0
