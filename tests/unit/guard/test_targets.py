"""What the encoder is tuned on."""

import random

import pytest

from guard.levels import CARD_HEAD, HINT_HEAD, IMMINENT_HEAD, UNSAFE_HEAD
from guard.verdict import Category
from training.examples import HEADS, Example
from training.targets import NAMES, Target, build_target, draw_epoch, is_held_out, read_answer_targets


def build_example(level: str, *categories: Category, **more: object) -> Example:
    return Example("some words", frozenset(categories), group="written 1", level=level, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("0", {HINT_HEAD: 0, CARD_HEAD: 0, UNSAFE_HEAD: 0, IMMINENT_HEAD: 0}),
        ("1", {HINT_HEAD: 0, CARD_HEAD: 0, UNSAFE_HEAD: 0, IMMINENT_HEAD: 0}),
        ("2", {HINT_HEAD: 1, CARD_HEAD: 0, UNSAFE_HEAD: 0, IMMINENT_HEAD: 0}),
        ("3", {HINT_HEAD: 1, CARD_HEAD: 1, UNSAFE_HEAD: 0, IMMINENT_HEAD: 0}),
        ("4", {HINT_HEAD: 1, CARD_HEAD: 1, UNSAFE_HEAD: 0, IMMINENT_HEAD: 1}),
        ("S", {HINT_HEAD: 1, CARD_HEAD: 0, UNSAFE_HEAD: 1}),
    ],
)
def test_a_level_says_what_the_heads_for_care_should_say(level: str, wanted: dict[str, float]) -> None:
    target = build_target(build_example(level, Category.SUICIDE))
    assert {name: target.wanted[name] for name in wanted} == wanted
    assert (IMMINENT_HEAD in target.wanted) == (level != "S")


def test_a_text_without_a_level_says_nothing_of_care_if_it_is_about_danger() -> None:
    assert CARD_HEAD not in build_target(build_example("", Category.SUICIDE)).wanted
    assert build_target(build_example("", Category.DRUGS)).wanted[CARD_HEAD] == 0
    assert build_target(build_example("")).wanted[CARD_HEAD] == 0


def test_a_set_that_judges_some_categories_teaches_only_those() -> None:
    target = build_target(build_example("", Category.HATE, known=frozenset({Category.HATE})))
    assert target.wanted == {Category.HATE: 1}


def test_what_is_marked_imminent_is_so_at_any_level() -> None:
    assert build_target(build_example("S", Category.UNSAFE_HOME, is_imminent=True)).wanted[IMMINENT_HEAD] == 1


def test_every_head_has_something_to_learn_from() -> None:
    learned = {name for target in read_answer_targets() for name in target.wanted}
    assert learned | {
        *map(str, HEADS),
        Category.METHOD,
        HINT_HEAD,
        CARD_HEAD,
        UNSAFE_HEAD,
        IMMINENT_HEAD,
    } == set(NAMES)


def test_only_earlier_messages_of_the_person_are_read() -> None:
    turns = (("user", "first"), ("assistant", "yes?"), ("user", "second"))
    assert build_target(build_example("0", before=turns)).earlier == ("first", "second")


class TestEpoch:
    TARGETS = [
        *(Target(f"plain {n}", {CARD_HEAD: 0.0}, "written", level="0", varies=True) for n in range(300)),
        *(Target(f"danger {n}", {CARD_HEAD: 1.0}, "written", level="3") for n in range(300)),
        *(Target(f"everyday {n}", {CARD_HEAD: 0.0}, "everyday") for n in range(300)),
    ]

    def draw(self, epoch: int) -> list[Target]:
        return list(draw_epoch(self.TARGETS, epoch, random.Random(1)))  # noqa: S311

    def test_of_a_large_set_each_epoch_takes_another_share(self) -> None:
        first, second = ({t.text for t in self.draw(epoch) if t.kind == "everyday"} for epoch in (0, 1))
        assert len(first) == len(second) == 100
        assert not first & second

    def test_some_danger_follows_ordinary_messages_and_keeps_its_label(self) -> None:
        after = [t for t in self.draw(0) if t.text.startswith("danger") and t.earlier]
        assert 60 <= len(after) <= 120
        assert all(t.wanted == {CARD_HEAD: 1.0} and "danger" not in " ".join(t.earlier) for t in after)

    def test_some_ordinary_messages_follow_danger_and_stay_ordinary(self) -> None:
        after = [t for t in self.draw(0) if "danger" in " ".join(t.earlier)]
        assert after
        assert all(t.wanted == {CARD_HEAD: 0.0} for t in after)


def test_a_tenth_of_what_was_written_is_held_out() -> None:
    held = [is_held_out(Target(f"words {n}", {}, "written", varies=True)) for n in range(1000)]
    assert 60 <= sum(held) <= 140
    assert not any(is_held_out(Target(f"words {n}", {}, "mmlu")) for n in range(200))
