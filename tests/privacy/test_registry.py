"""What points at a person is registered, or says here why it is not."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.test import Client
from django.test.utils import isolate_apps

from accounts.models import Person
from budgets.models import Budget, Hold, LedgerEntry, Period
from chat.models import Conversation, Turn
from mail.models import Attachment, Email
from privacy import registry
from privacy.registry import DataKind, Retention

# Models that point at a person, or at something registered, and keep nothing about anybody themselves.
NOT_REGISTERED = {
    "accounts.Person_groups": "An admin's rights: they go with the person's row.",
    "accounts.Person_user_permissions": "An admin's rights: they go with the person's row.",
}


def registered() -> set[type[models.Model]]:
    return {model for kind in registry.list_kinds() for model in kind.models}


def pointing_at_people(installed: list[type[models.Model]]) -> set[type[models.Model]]:
    """Every model from which a chain of foreign keys leads to a person or to a registered model."""
    found: set[type[models.Model]] = {Person} | registered()
    while more := {model for model in installed if model not in found and targets(model) & found}:
        found |= more
    return found


def targets(model: type[models.Model]) -> set[object]:
    # A many-to-many relation is a model of its own here, with two foreign keys.
    fields = model._meta.concrete_fields
    return {field.related_model for field in fields if field.is_relation}


def unregistered(installed: list[type[models.Model]]) -> set[str]:
    forgotten = pointing_at_people(installed) - registered()
    return {model._meta.label for model in forgotten} - set(NOT_REGISTERED)


def installed() -> list[type[models.Model]]:
    return list(apps.get_models(include_auto_created=True))


class TestNothingIsForgotten:
    def test_every_model_that_points_at_a_person_is_registered_or_says_why_not(self) -> None:
        assert unregistered(installed()) == set()

    def test_the_reasons_are_of_models_that_are_there_and_need_one(self) -> None:
        needing = {model._meta.label for model in pointing_at_people(installed()) - registered()}
        assert set(NOT_REGISTERED) == needing

    def test_chains_are_followed(self) -> None:
        reached = pointing_at_people(installed())
        assert reached >= {Budget, Period, Hold, LedgerEntry, Conversation, Turn, Email, Attachment}

    @isolate_apps("accounts")
    def test_a_new_model_is_found_whichever_way_it_points(self) -> None:
        class Diary(models.Model):  # noqa: DJ008
            writer = models.OneToOneField(Person, models.CASCADE, related_name="+")

            class Meta:
                app_label = "accounts"

        class Leaf(models.Model):  # noqa: DJ008
            diary = models.ForeignKey(Diary, models.CASCADE)

            class Meta:
                app_label = "accounts"

        class Circle(models.Model):  # noqa: DJ008
            members = models.ManyToManyField(Person, related_name="+")

            class Meta:
                app_label = "accounts"

        new: list[type[models.Model]] = [Diary, Leaf, Circle, Circle.members.through]
        assert unregistered(installed() + new) == {
            "accounts.Diary",
            "accounts.Leaf",
            "accounts.Circle_members",
        }


@pytest.mark.parametrize("kind", registry.list_kinds(), ids=lambda kind: kind.name)
class TestEachKind:
    def test_says_in_words_what_it_is_why_and_how_long(self, kind: DataKind) -> None:
        for words in (kind.title, kind.description, kind.retention):
            assert str(words)
            assert "%" not in str(words)

    def test_that_has_rows_has_a_label_for_each_fact(self, kind: DataKind) -> None:
        assert bool(kind.models) == bool(kind.labels)
        assert all(str(label) for label in kind.labels.values())

    def test_that_is_erased_says_so_in_the_farewell(self, kind: DataKind) -> None:
        assert bool(kind.erasure_removes) == bool(kind.models) or kind.name == "admin-log"

    def test_stands_on_the_privacy_page(self, kind: DataKind, client: Client, db: None) -> None:
        page = client.get("/privacy").content.decode()
        for words in (kind.title, kind.description, kind.retention, kind.visible_to):
            assert str(words) in page

    def test_exports_nothing_of_somebody_who_did_nothing_but_their_account(
        self, kind: DataKind, parent: Person
    ) -> None:
        assert len(list(kind.export(parent))) == (kind.name == "account")


class TestTheRegistry:
    @pytest.fixture(autouse=True)
    def _as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))

    def test_a_name_is_taken_once(self, make_kind: Callable[..., DataKind]) -> None:
        with pytest.raises(ImproperlyConfigured, match="account"):
            registry.register_kinds(make_kind("account"), room="accounts")

    @pytest.mark.parametrize("name", ["", "../etc", "A kind", "a/b", "tea.json", "-", "a\n"])
    def test_a_name_is_a_slug_since_it_names_a_file(
        self, name: str, make_kind: Callable[..., DataKind]
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match="slug"):
            make_kind(name)

    def test_a_parents_export_leaves_out_what_is_private(self, make_kind: Callable[..., DataKind]) -> None:
        registry.register_kinds(
            make_kind("diary", is_private=True), make_kind("shoes", is_private=False), room="chat"
        )
        theirs = {kind.name for kind in registry.list_kinds(for_parent=True)}
        assert {"diary", "shoes"} <= {kind.name for kind in registry.list_kinds()}
        assert "shoes" in theirs
        assert theirs.isdisjoint({"diary", "conversations", "learned", "emails"})

    @pytest.mark.parametrize(
        "half",
        [{"days": 3}, {"task": "x"}, {"counted_from": "x"}, {"days": 3, "counted_from": "x", "task": "x"}],
    )
    def test_days_come_with_what_carries_them_out(self, half: dict[str, object]) -> None:
        with pytest.raises(ImproperlyConfigured):
            Retention(text="So long.", **half)  # type: ignore[arg-type]


@pytest.fixture
def make_kind() -> Callable[..., DataKind]:
    def make(name: str, *, is_private: bool = True) -> DataKind:
        return DataKind(
            name=name,
            title=name,
            description="Something.",
            retention=Retention(text="For ever."),
            is_private=is_private,
            export=registry.no_rows,
            erase=registry.erased_by_cascade,
        )

    return make


def test_every_room_that_keeps_something_has_its_place_in_an_erasure() -> None:
    assert registry.list_rooms() == set(settings.ERASE_ORDER)
    assert len(settings.ERASE_ORDER) == len(set(settings.ERASE_ORDER))


def test_kinds_come_in_the_written_order_whatever_order_the_rooms_are_installed_in() -> None:
    order = [
        kind.erase.__module__.partition(".")[0]
        for kind in registry.list_kinds()
        if kind.erase is not registry.erased_by_cascade
    ]
    assert order == sorted(order, key=settings.ERASE_ORDER.index)
    names = [kind.name for kind in registry.list_kinds()]
    assert names.index("usage") < names.index("conversations")


def test_a_room_without_a_place_in_the_order_cannot_register(make_kind: Callable[..., DataKind]) -> None:
    with pytest.raises(ImproperlyConfigured):
        registry.register_kinds(make_kind("letters-home"), room="attic")
    assert "letters-home" not in {kind.name for kind in registry.list_kinds()}


def test_every_row_that_is_exported_is_ready_for_json_once_its_times_are_on_a_clock(teen: Person) -> None:
    from privacy.archive import _to_json_row

    def rows() -> Iterator[object]:
        for kind in registry.list_kinds():
            for row in kind.export(teen):
                assert list(row) == list(kind.labels)
                yield _to_json_row(row, teen.zone)

    assert json.loads(json.dumps(list(rows())))
