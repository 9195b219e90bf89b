"""What an export contains, and how it is sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import FileResponse
from django.test import AsyncClient, Client

from accounts.models import Person
from budgets.models import Period
from chat.models import Conversation, Turn
from events.models import Event
from privacy import archive, registry
from tests.privacy.conftest import (
    ANSWER,
    QUESTION,
    MakeFull,
    Opened,
    mail_to,
    opened,
)

DATA, DOWNLOAD, ERASE, ERASED = (
    "/account/data",
    "/account/data/download",
    "/account/data/erase",
    "/account/erased",
)
PASSWORD = "a-long-password"
# Kinds tested in their own rooms, of which `full` has no rows.
RARE = {
    "tries",
    "budget-changes",
    "grant-files",
    "grants",
    "family-deletion",
    "password-helps",
    "reports",
    "cooling-offs",
    "parent-checks",
    "erased",
    "unconfirmed-accounts",
    "incidents",
    "looks",
    "reviewing",
    "team",
}
AsPerson = Callable[[Person], Client]


class TestTheArchive:
    def test_has_a_file_for_each_kind_and_a_page(self, full: Person) -> None:
        copy = opened(full)
        assert copy.names == {f"{kind.name}.json" for kind in registry.list_kinds()} | {"index.html"}

    def test_has_rows_of_each_kind(self, full: Person) -> None:
        copy = opened(full)
        assert {kind.name for kind in registry.list_kinds() if not copy.rows(kind.name)} == RARE

    def test_contains_everything(self, full: Person, event: Event) -> None:
        copy = opened(full)
        (account,) = copy.rows("account")
        assert account["display_name"] == "Wilhelmina Q."
        assert "password" not in account
        (turn,) = copy.rows("conversations")
        assert (turn["question"], turn["answer"], turn["tokens"]) == (QUESTION, ANSWER, 100)
        assert [row["tokens"] for row in copy.rows("usage")] == [100]
        assert {row["email"] for row in copy.rows("sign-ups")} == {"elsewhere@nut.example", "WIL@nut.example"}
        assert {row["event"] for row in copy.rows("sign-ups")} == {event.title}
        assert {row["lesson"] for row in copy.rows("module-progress")} == {"what-it-is", ""}
        assert [row["answer"] for row in copy.rows("module-progress")] == ["", "b"]
        assert [row["name"] for row in copy.rows("certificates")] == ["Wilhelmina Q."]
        assert [row["who"] for row in copy.rows("joint-modules")] == ["pat"]
        assert [row["kind"] for row in copy.rows("second-steps")]
        assert "TOTP-SECRET" not in copy.everything()
        assert {row["subject"] for row in copy.rows("emails")} == {
            "Confirm your spot: One evening",
            "You have a spot: One evening",
            "Hello Wilhelmina Q.",
            "pat would like to change your agreement. Please answer",
        }
        assert {row["parent"] for row in copy.rows("family")} == {"pat"}
        assert [row["given_as"] for row in copy.rows("consents")] == ["parent"]
        assert [row["who"] for row in copy.rows("parent-views")] == ["pat"]
        assert [row["name"] for row in copy.rows("trusted-adult")] == ["Aunt Hazel"]
        assert [row["email"] for row in copy.rows("invitations")] == ["aunt@nut.example"]
        assert copy.rows("notices")
        assert "ATTENDEE" in str(copy.rows("emails"))
        assert len(copy.rows("sessions")) == 1
        assert [row["action"] for row in copy.rows("admin-log")] == ["Change"]
        for text in ("Wilhelmina Q.", "walnut tree", "hollow branches", "One evening", "wil@nut.example"):
            assert text in copy.page

    def test_says_so_if_there_is_no_data(self, parent: Person) -> None:
        copy = opened(parent)
        assert copy.rows("conversations") == copy.rows("emails") == []
        assert copy.page.count("Nothing.") == len(registry.list_kinds()) - 1

    def test_uses_the_persons_time_zone(self, make_person: Callable[..., Person]) -> None:
        joined = datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
        person = make_person("lee", time_zone="America/Los_Angeles", joined_at=joined)
        copy = opened(person)
        assert copy.rows("account")[0]["joined_at"] == "2025-12-31T23:30:00-08:00"
        assert "Dec. 31, 2025, 11:30 p.m." in copy.page
        assert "Times are shown in Los Angeles time." in copy.page
        # The archive was made at noon in London, 5 a.m. in Los Angeles.
        assert copy.zip.getinfo("index.html").date_time == (2026, 7, 1, 5, 0, 0)

    def test_budget_days_are_in_the_persons_zone(self, full: Person) -> None:
        starts_at = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
        ends_at = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
        Period.objects.create(
            budget=full.budget, starts_at=starts_at, ends_at=ends_at, recheck_at=ends_at, granted=10
        )
        days = [row["day"] for row in opened(full).rows("usage")]
        assert days[0] == date(2026, 3, 2).isoformat()

    def test_of_a_parent_omits_what_is_private_to_a_teen(self, full: Person, parent: Person) -> None:
        copy = opened(parent, teens=[full]).of_teen(1)
        assert "conversations.json" not in copy.names
        assert {"account.json", "usage.json", "sign-ups.json"} <= copy.names
        for text in ("walnut tree", "hollow branches", "what-it-is"):
            assert text not in copy.everything()

    def test_of_an_admin_names_no_one_else(self, full: Person, admin_person: Person) -> None:
        copy = opened(admin_person)
        assert copy.rows("admin-log")[0]["object"] == "person"
        assert "Wilhelmina" not in copy.everything()

    def test_omits_data_of_a_similar_address(self, full: Person) -> None:
        mail_to("wil@nut.example.org", "For somebody else")
        assert "somebody else" not in opened(full).everything()


HOSTILE = [
    "<script>alert(1)</script>",
    "</dd></dl><img src=x onerror=alert(1)>",
    "=HYPERLINK(1+1)",
    "../../etc/passwd",
    "con:|<>\\/.json",
    "{{ person.password }} {% now 'Y' %}",
    "\u202egnp.exe",
    "a\r\nSet-Cookie: x=1",
]


class TestHostileText:
    @pytest.mark.parametrize("words", HOSTILE)
    def test_is_returned_as_typed_and_inert(
        self, words: str, make_full: MakeFull, as_person: AsPerson
    ) -> None:
        person = make_full()
        Person.objects.filter(pk=person.pk).update(display_name=words)
        person.refresh_from_db()
        Turn.objects.update(question=words, answer=words)
        Conversation.objects.update(title=words)
        reply = as_person(person).post(DOWNLOAD)
        assert reply["Content-Disposition"].startswith('attachment; filename="kitchen-table-2')
        copy = Opened(reply.getvalue())
        assert copy.rows("account")[0]["display_name"] == words
        assert copy.rows("conversations")[0]["question"] == words
        assert all(name.replace("-", "").replace(".", "").isalpha() for name in copy.names)
        assert "<script" not in copy.page
        assert "<img" not in copy.page
        assert str(person.password) not in copy.everything()

    def test_the_page_cannot_load_or_run_anything(self, full: Person) -> None:
        page = opened(full).page
        assert "default-src 'none'" in page
        for source in ("<a", "<link", "<img", "src=", "href=", "url(", "@import"):
            assert source not in page


class TestDelivery:
    def test_an_async_server_streams_it(self, full: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(FileResponse, "block_size", 512)
        client = AsyncClient()
        client.force_login(full)

        async def pieces() -> list[bytes]:
            reply: Any = await client.post(DOWNLOAD)
            return [piece async for piece in reply]

        sent = async_to_sync(pieces)()
        assert len(sent) > 3
        assert max(map(len, sent)) <= 512
        assert Opened(b"".join(sent)).rows("conversations")

    def test_large_archives_are_on_disk_until_closed(
        self, full: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive, "MAX_IN_MEMORY_BYTES", 100)
        with archive.build_archive(person=full) as spool:
            assert spool._rolled  # type: ignore[attr-defined]
            assert not Path(str(spool.name)).exists()
            assert Opened(spool.read()).rows("conversations")

    def test_an_error_is_an_error_page_and_not_half_a_file(
        self, full: Person, as_person: AsPerson, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[object] = []

        class Watched(archive._ExportFile):
            def close(self) -> None:
                closed.append(self)
                super().close()

        def fail(*_args: object) -> None:
            raise OSError("No space left on device")

        monkeypatch.setattr(archive, "_ExportFile", Watched)
        monkeypatch.setattr(archive, "_write_kind", fail)
        client = as_person(full)
        client.raise_request_exception = False
        assert client.post(DOWNLOAD).status_code == 500
        assert closed

    def test_has_a_content_length_so_that_a_truncated_download_is_noticed(
        self, full: Person, as_person: AsPerson
    ) -> None:
        reply = as_person(full).post(DOWNLOAD)
        assert int(reply["Content-Length"]) == len(reply.getvalue())
