"""After an event: its recording with a transcript, the emails about it, and feedback."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from events.changes import cancel_event
from events.errors import NoRecording, TooEarly
from events.follow_up import publish_recording, save_feedback
from events.models import Event, EventStage, Feedback, SignUp
from events.services import leave_event
from mail.models import Email
from tests.events.conftest import MakeEvent, sign_up_and_confirm
from tests.events.test_admin import AsPerson, build_form
from tests.markup import squeezed
from tests.unit.events.test_recordings import CAPTIONS

FILE = "https://video.example/evening.mp4"


@pytest.fixture
def over(make_event: MakeEvent) -> Event:
    """A past event with a recording and captions, where Kim had a spot."""
    event = make_event(recording_url=FILE, captions=CAPTIONS, module_slug="good-and-bad")
    sign_up_and_confirm(event)
    sign_up_and_confirm(event, "Lee")
    Event.objects.update(starts_at=timezone.now() - timedelta(days=1))
    return Event.objects.get()


@pytest.fixture
def kim(over: Event) -> SignUp:
    return SignUp.objects.select_related("event").get(name="Kim")


class TestTheRecording:
    def test_is_emailed_once_to_everyone_with_a_spot(self, over: Event) -> None:
        assert publish_recording(event=over) == 2
        assert publish_recording(event=over) == 0
        mails = Email.objects.filter(subject__startswith="The recording")
        assert {mail.to for mail in mails} == {"kim@example.org", "lee@example.org"}
        text = mails[0].text
        assert "/events/one-evening\n" in text
        assert "/feedback\n" in text
        assert "/learn/good-and-bad\n" in text
        assert Event.objects.get().stage == EventStage.RECORDED

    def test_needs_the_event_to_be_over_and_a_link(self, event: Event, past: Event) -> None:
        Event.objects.filter(pk=event.pk).update(recording_url=FILE)
        with pytest.raises(TooEarly):
            publish_recording(event=event)
        with pytest.raises(NoRecording):
            publish_recording(event=past)

    def test_of_a_cancelled_event_is_refused(self, make_event: MakeEvent) -> None:
        event = make_event(recording_url=FILE)
        cancel_event(event=event)
        with pytest.raises(TooEarly):
            publish_recording(event=event, now=timezone.now() + timedelta(days=40))

    def test_is_hidden_before_it_is_published(self, over: Event, client: Client) -> None:
        assert FILE not in client.get(over.get_absolute_url()).content.decode()
        assert client.get(f"{over.get_absolute_url()}/captions.vtt").status_code == 404

    def test_plays_on_the_page_with_captions_and_a_transcript(self, over: Event, client: Client) -> None:
        publish_recording(event=over)
        reply = client.get(over.get_absolute_url())
        page = squeezed(reply.content.decode())
        assert f'src="{FILE}"' in page
        assert (
            '<track kind="captions" src="/events/one-evening/captions.vtt" srclang="en" label="English"'
            in page
        )
        assert "Good evening &amp; welcome." in page
        assert "media-src 'self' https://video.example" in reply.headers["Content-Security-Policy"]
        assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
        assert '<dl class="transcript">' in page
        captions = client.get("/events/one-evening/captions.vtt")
        assert captions.headers["Content-Type"] == "text/vtt; charset=utf-8"
        assert captions.content.decode() == CAPTIONS

    def test_of_another_language_is_marked(self, over: Event, client: Client) -> None:
        publish_recording(event=over)
        Event.objects.update(language="es")
        page = squeezed(client.get(over.get_absolute_url()).content.decode())
        assert 'srclang="es" label="Español"' in page
        assert '<dl class="transcript" lang="es">' in page
        assert '<h1 lang="es">' in page
        assert "<dd>Spanish</dd>" in page

    def test_is_a_link_if_it_is_a_page_on_another_site(self, over: Event, client: Client) -> None:
        Event.objects.update(recording_url="https://video.example/watch?v=1", captions="")
        publish_recording(event=over)
        page = client.get(over.get_absolute_url()).content.decode()
        assert "<video" not in page
        assert "Watch the recording" in page
        assert "Transcript" not in page

    def test_has_a_transcript_that_is_searched_without_javascript(self, over: Event, client: Client) -> None:
        publish_recording(event=over)
        page = client.get(over.get_absolute_url(), {"q": "TEA"}).content.decode()
        assert "“TEA” appears in 1 caption." in page
        assert "know about tea?" in page
        assert "Good evening" not in page
        hostile = client.get(over.get_absolute_url(), {"q": "<script>"}).content.decode()
        assert "<script>" not in hostile


class TestFeedback:
    def test_is_two_questions_and_may_be_changed(self, kim: SignUp, client: Client) -> None:
        path = f"{kim.get_absolute_url()}/feedback"
        assert "Tell us what you thought" in client.get(kim.get_absolute_url()).content.decode()
        page = client.post(path, {"worth": "partly", "comment": " More tea. "}, follow=True).content.decode()
        assert "Thanks, we got your answers." in page
        assert "More tea.</textarea>" in page
        client.post(path, {"worth": "yes", "comment": ""})
        given = Feedback.objects.get()
        assert (given.worth, given.comment, given.sign_up) == ("yes", "", kim)

    @pytest.mark.parametrize("wrong", [{}, {"worth": "very"}, {"worth": "yes", "comment": "x" * 1001}])
    def test_that_is_incomplete_is_explained_and_kept(
        self, kim: SignUp, client: Client, wrong: dict[str, str]
    ) -> None:
        reply = client.post(f"{kim.get_absolute_url()}/feedback", wrong)
        assert reply.status_code == 422
        page = reply.content.decode()
        assert "weren’t sent" in page
        assert f">{wrong.get('comment', '')}</textarea>" in page
        assert ("1,001 characters long; the limit is 1,000" in page) is ("comment" in wrong)
        assert not Feedback.objects.exists()

    def test_counts_a_line_break_as_one_character(self, kim: SignUp, client: Client) -> None:
        words = "more tea\r\n" * 111 + "t"
        client.post(f"{kim.get_absolute_url()}/feedback", {"worth": "yes", "comment": words})
        assert len(Feedback.objects.get().comment) == 1000

    def test_needs_a_spot_and_a_started_event(self, sign_up: SignUp, client: Client) -> None:
        assert client.get(f"{sign_up.get_absolute_url()}/feedback").status_code == 302
        with pytest.raises(TooEarly):
            save_feedback(sign_up=sign_up, worth="yes", comment="")

    def test_is_deleted_with_its_sign_up(self, kim: SignUp) -> None:
        save_feedback(sign_up=kim, worth="no", comment="Too long.")
        leave_event(sign_up=kim)
        assert not Feedback.objects.exists()

    def test_is_shown_to_admins_without_a_name(
        self, kim: SignUp, admin_person: Person, as_person: AsPerson
    ) -> None:
        save_feedback(sign_up=kim, worth="no", comment="Too long.")
        page = as_person(admin_person).get(f"/admin/events/event/{kim.event_id}/people").content.decode()
        assert "<strong>No</strong>: Too long." in page


class TestTheAdmin:
    def test_takes_captions_as_a_file_and_publishes(self, admin_person: Person, as_person: AsPerson) -> None:
        client = as_person(admin_person)
        values = build_form(day="2023-12-22", start_time="11:00", recording_url=FILE)
        file = SimpleUploadedFile("evening.vtt", (CAPTIONS + "\n" * 100_000).encode())
        assert client.post("/admin/events/event/add/", values | {"captions_file": file}).status_code == 302
        event = Event.objects.get()
        assert event.captions.startswith(CAPTIONS)
        path = f"/admin/events/event/{event.pk}/recording"
        assert "0 people had a spot." in client.get(path).content.decode()
        client.post(path)
        assert Event.objects.get().has_recording
        assert (
            as_person(Person.objects.create(username="x", role="admin", is_staff=True)).post(path).status_code
            == 403
        )

    @pytest.mark.parametrize("content", [b"hello", b"\xff\xfe", b"WEBVTT\n"])
    def test_refuses_invalid_captions(
        self, admin_person: Person, as_person: AsPerson, content: bytes
    ) -> None:
        values = build_form() | {"captions_file": SimpleUploadedFile("x.vtt", content)}
        page = as_person(admin_person).post("/admin/events/event/add/", values).content.decode()
        assert "isn’t a WebVTT file" in page
