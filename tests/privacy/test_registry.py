"""Every model that references a person is registered, or has a reason here why not."""

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

# Models that reference a person or a registered model but hold no personal data themselves.
NOT_REGISTERED = {
    "accounts.Person_groups": "An admin's rights: they go with the person's row.",
    "accounts.Person_user_permissions": "An admin's rights: they go with the person's row.",
}


def list_registered_models() -> set[type[models.Model]]:
    return {model for kind in registry.list_kinds() for model in kind.models}


def list_models_about_people(installed: list[type[models.Model]]) -> set[type[models.Model]]:
    """Return every model with a chain of foreign keys to a person or a registered model."""
    reached: set[type[models.Model]] = {Person} | list_registered_models()
    while more := {
        model for model in installed if model not in reached and list_related_models(model) & reached
    }:
        reached |= more
    return reached


def list_related_models(model: type[models.Model]) -> set[object]:
    # A many-to-many relation counts as a model with two foreign keys.
    fields = model._meta.concrete_fields
    return {field.related_model for field in fields if field.is_relation}


def unregistered(installed: list[type[models.Model]]) -> set[str]:
    forgotten = list_models_about_people(installed) - list_registered_models()
    return {model._meta.label for model in forgotten} - set(NOT_REGISTERED)


def installed() -> list[type[models.Model]]:
    return list(apps.get_models(include_auto_created=True))


class TestCompleteness:
    def test_every_model_that_references_a_person_is_registered_or_has_a_reason(self) -> None:
        assert unregistered(installed()) == set()

    def test_every_reason_is_about_an_existing_model_that_needs_one(self) -> None:
        needing = {
            model._meta.label for model in list_models_about_people(installed()) - list_registered_models()
        }
        assert set(NOT_REGISTERED) == needing

    def test_chains_of_foreign_keys_are_followed(self) -> None:
        reached = list_models_about_people(installed())
        assert reached >= {Budget, Period, Hold, LedgerEntry, Conversation, Turn, Email, Attachment}

    @isolate_apps("accounts")
    def test_a_new_model_is_found_with_any_kind_of_relation(self) -> None:
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
    def test_describes_what_it_is_and_how_long_it_is_kept(self, kind: DataKind) -> None:
        for words in (kind.title, kind.description, kind.retention):
            assert str(words)
            assert "%" not in str(words)

    def test_has_a_label_for_each_value(self, kind: DataKind) -> None:
        assert bool(kind.models) == bool(kind.labels)
        assert all(str(label) for label in kind.labels.values())

    def test_says_what_an_erasure_removes(self, kind: DataKind) -> None:
        assert bool(kind.erasure_removes) == bool(kind.models) or kind.name == "admin-log"

    def test_is_on_the_privacy_page(self, kind: DataKind, client: Client, db: None) -> None:
        page = client.get("/privacy").content.decode()
        for words in (kind.title, kind.description, kind.retention, kind.visible_to):
            assert str(words) in page

    def test_exports_only_the_account_of_a_new_person(self, kind: DataKind, parent: Person) -> None:
        assert len(list(kind.export(parent))) == (kind.name == "account")


class TestTheRegistry:
    @pytest.fixture(autouse=True)
    def _as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))

    def test_a_name_is_unique(self, make_kind: Callable[..., DataKind]) -> None:
        with pytest.raises(ImproperlyConfigured, match="account"):
            registry.register_kinds(make_kind("account"), room="accounts")

    @pytest.mark.parametrize("name", ["", "../etc", "A kind", "a/b", "tea.json", "-", "a\n"])
    def test_a_name_must_be_a_slug(self, name: str, make_kind: Callable[..., DataKind]) -> None:
        with pytest.raises(ImproperlyConfigured, match="slug"):
            make_kind(name)

    def test_a_parents_export_omits_private_kinds(self, make_kind: Callable[..., DataKind]) -> None:
        registry.register_kinds(
            make_kind("diary", is_private=True), make_kind("shoes", is_private=False), room="chat"
        )
        theirs = {kind.name for kind in registry.list_kinds(for_parent=True)}
        assert {"diary", "shoes"} <= {kind.name for kind in registry.list_kinds()}
        assert "shoes" in theirs
        assert theirs.isdisjoint({"diary", "conversations", "module-progress", "emails"})

    @pytest.mark.parametrize(
        "half",
        [{"days": 3}, {"task": "x"}, {"counted_from": "x"}, {"days": 3, "counted_from": "x", "task": "x"}],
    )
    def test_days_require_a_start_a_service_and_a_task(self, half: dict[str, object]) -> None:
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


def test_every_room_with_personal_data_is_in_erase_order() -> None:
    assert registry.list_rooms() == set(settings.ERASE_ORDER)
    assert len(settings.ERASE_ORDER) == len(set(settings.ERASE_ORDER))


def test_kinds_are_listed_in_erase_order() -> None:
    order = [
        kind.erase.__module__.partition(".")[0]
        for kind in registry.list_kinds()
        if kind.erase is not registry.erased_by_cascade
    ]
    assert order == sorted(order, key=settings.ERASE_ORDER.index)
    names = [kind.name for kind in registry.list_kinds()]
    assert names.index("usage") < names.index("conversations")


def test_a_room_missing_from_erase_order_cannot_register(make_kind: Callable[..., DataKind]) -> None:
    with pytest.raises(ImproperlyConfigured):
        registry.register_kinds(make_kind("letters-home"), room="attic")
    assert "letters-home" not in {kind.name for kind in registry.list_kinds()}


def test_every_exported_row_can_be_written_as_json(teen: Person) -> None:
    from privacy.archive import _to_json_row

    def rows() -> Iterator[object]:
        for kind in registry.list_kinds():
            for row in kind.export(teen):
                assert list(row) == list(kind.labels)
                yield _to_json_row(row, teen.zone)

    assert json.loads(json.dumps(list(rows())))
