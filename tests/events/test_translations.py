"""An event is shown, mailed and put into calendars in the reader's language, if it has a text in it."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation

from events.emails import build_day_reminder, build_spot_confirmation
from events.models import Event, SignUp
from events.series import repeat_event
from mail.models import Email
from tests.events.conftest import MakeEvent, sign_up_and_confirm
from tests.events.test_admin import ADD, admin_client, build_form
from tests.markup import squeezed

__all__ = ["admin_client"]

SPANISH = {"accept-language": "es-US"}
IN_SPANISH = {"title": "Una noche", "summary": "Una hora sobre la IA.", "description": "Primero.\n\nDespués."}


@pytest.fixture
def event(make_event: MakeEvent) -> Event:
    """An event that is spoken in English, with a Spanish text."""
    return make_event(translations={"es": IN_SPANISH}, module_slug="")


class TestAPage:
    @pytest.mark.parametrize("path", ["/", "/events/", "/events/one-evening"])
    def test_shows_the_text_in_its_own_language(self, path: str, event: Event, client: Client) -> None:
        page = client.get(path, headers=SPANISH).content.decode()
        assert "Una noche" in page
        assert "Una hora sobre la IA." in page
        assert "One evening" not in page
        assert "Una noche" not in client.get(path).content.decode()

    def test_says_what_language_is_spoken_if_it_is_another(self, event: Event, client: Client) -> None:
        page = squeezed(client.get("/events/one-evening", headers=SPANISH).content.decode())
        assert "<dt>Idioma</dt><dd>Inglés</dd>" in page
        assert "<dt>Language</dt>" not in squeezed(client.get("/events/one-evening").content.decode())

    @pytest.mark.parametrize("path", ["/", "/events/", "/events/one-evening"])
    def test_without_a_translation_marks_the_text_as_english(
        self, path: str, event: Event, client: Client
    ) -> None:
        Event.objects.update(translations={})
        page = squeezed(client.get(path, headers=SPANISH).content.decode())
        assert (
            'lang="en">One evening' in page or 'lang="en"><a href="/events/one-evening">One evening' in page
        )

    def test_of_a_sign_up_is_in_the_language_of_the_page(self, event: Event, client: Client) -> None:
        sign_up = sign_up_and_confirm(event)
        assert "Una noche" in client.get(sign_up.get_absolute_url(), headers=SPANISH).content.decode()
        assert "One evening" in client.get(sign_up.get_absolute_url()).content.decode()


class TestAnEmail:
    @pytest.fixture
    def sign_up(self, event: Event) -> SignUp:
        with translation.override("es"):
            return sign_up_and_confirm(event)

    def test_has_the_text_in_the_language_of_the_sign_up(self, sign_up: SignUp) -> None:
        email = build_spot_confirmation(sign_up)
        assert email.subject == "Tienes un lugar: Una noche"
        assert "“Una noche”" in email.text
        assert "Idioma: inglés" in email.text
        assert "evening" not in email.text.replace("/one-evening", "")

    def test_has_a_calendar_invitation_in_the_same_language(self, sign_up: SignUp) -> None:
        [invitation] = build_spot_confirmation(sign_up).attachments
        assert "SUMMARY:Una noche\r\n" in invitation.content
        assert "Una hora sobre la IA." in invitation.content
        assert invitation.content.count("DESCRIPTION:Una noche\r\n") == 2  # the alarms

    def test_is_in_english_for_a_sign_up_in_english(self, event: Event) -> None:
        email = build_day_reminder(sign_up_and_confirm(event))
        assert "One evening" in email.subject
        assert "Language:" not in email.text


class TestACalendar:
    def test_file_is_in_the_language_of_the_page(self, event: Event, client: Client) -> None:
        path = "/events/one-evening/calendar.ics"
        assert "SUMMARY:Una noche\r\n" in client.get(path, headers=SPANISH).content.decode()
        assert "SUMMARY:One evening\r\n" in client.get(path).content.decode()

    def test_feed_is_in_the_language_of_its_address(self, event: Event, client: Client) -> None:
        feed = client.get("/events/calendar.ics?language=es").content.decode()
        assert "SUMMARY:Una noche\r\n" in feed


class TestTheFormForAdmins:
    def test_keeps_the_translation_and_shows_it_again(self, admin_client: Client) -> None:
        form = build_form(**{f"translated_{name}": text for name, text in IN_SPANISH.items()})
        assert admin_client.post(ADD, form).status_code == 302
        event = Event.objects.get()
        assert event.translations == {"es": IN_SPANISH}
        page = admin_client.get(f"/admin/events/event/{event.pk}/change/").content.decode()
        assert 'value="Una noche"' in page

    def test_of_an_event_in_spanish_takes_the_english_text(self, admin_client: Client) -> None:
        translated = {f"translated_{name}": text for name, text in IN_SPANISH.items()}
        admin_client.post(ADD, build_form(language="es", **translated))
        assert list(Event.objects.get().translations) == ["en"]

    def test_asks_for_all_of_it(self, admin_client: Client) -> None:
        reply = admin_client.post(ADD, build_form(translated_title="Una noche"))
        assert "Translate all of it, or nothing." in reply.content.decode()
        assert not Event.objects.exists()

    def test_a_new_translation_is_a_change_that_people_can_be_told(
        self, event: Event, admin_client: Client, no_nudges: None
    ) -> None:
        Event.objects.update(translations={})
        with transaction.atomic():
            sign_up_and_confirm(event)
        Email.objects.all().delete()
        changed: dict[str, Any] = {f"translated_{name}": text for name, text in IN_SPANISH.items()}
        fields = {"title": event.title, "slug": event.slug, "summary": event.summary}
        local = event.starts_local
        form = build_form(
            **fields, **changed, day=f"{local:%Y-%m-%d}", start_time=f"{local:%H:%M}",
            description=event.description, notify="yes",
        )  # fmt: skip
        assert admin_client.post(f"/admin/events/event/{event.pk}/change/", form).status_code == 302
        assert "translation" in Email.objects.get().text
        event.refresh_from_db()
        assert event.sequence == 1


def test_repeated_dates_have_the_translation_too(event: Event) -> None:
    [again] = repeat_event(event=event, times=1, weeks=1)
    assert again.translations == {"es": IN_SPANISH}
