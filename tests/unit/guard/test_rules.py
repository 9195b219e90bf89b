"""Every example of every rule, and what is said of a rule file that cannot be used."""

from pathlib import Path

import pytest

from guard import Level, judge_input, judge_output
from guard.judge import judge
from guard.rule_books import care_rules, input_rules, output_rules, trace_rules
from guard.rules import MOST_WORDS, Rule, RuleBook, RuleError

BOOKS = {"input": input_rules(), "care": care_rules(), "traces": trace_rules(), "output": output_rules()}
CAUGHT = [
    (book, rule, text) for book, rules in BOOKS.items() for rule in rules.rules for text in rule.examples
]
LET_PASS = [
    (book, rule, text) for book, rules in BOOKS.items() for rule in rules.rules for text in rule.not_examples
]

WHOLE = """
[sets]
want = "want to|wanna"

[[rules]]
id = "a"
level = 3
categories = ["suicide"]
phrases = ["{want} [really] (sleep forever|vanish <up to 2> today)"]
unless = ["vanish from"]
examples = ["wanna vanish today"]
"""


@pytest.mark.parametrize(("book", "rule", "text"), CAUGHT)
def test_an_example_is_caught_by_its_rule(book: str, rule: Rule, text: str) -> None:
    verdict = judge(text, BOOKS[book])
    assert rule.id in {evidence.rule for evidence in verdict.evidence}
    assert verdict.level >= rule.level


@pytest.mark.parametrize(("book", "rule", "text"), LET_PASS)
def test_a_counter_example_is_caught_by_no_rule(book: str, rule: Rule, text: str) -> None:
    assert judge(text, BOOKS[book]).evidence == ()


@pytest.mark.parametrize(
    "rule", [rule for book in BOOKS.values() for rule in book.rules], ids=lambda rule: rule.id
)
def test_a_rule_shows_what_it_must_not_catch(rule: Rule) -> None:
    assert len(rule.not_examples) >= 2


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("What is photosynthesis?", Level.NONE),
        ("", Level.NONE),
        ("I want to die", Level.STATED),
        ("I want to die. I took the whole bottle of pills", Level.ACUTE),
    ],
)
def test_the_level_is_the_most_careful_rules(text: str, level: Level) -> None:
    assert judge_input(text).level == level


def test_evidence_points_into_the_original() -> None:
    text = "so… 𝖎 really\u200b Wánt  to D1E, ok?"
    (evidence,) = judge_input(text).evidence
    assert text[evidence.start : evidence.end] == "Wánt  to D1E"


def test_the_output_rules_are_not_the_input_rules() -> None:
    assert judge_output("I want to die").level == Level.NONE
    assert judge_input("I am a real person").level == Level.NONE


class TestRuleFiles:
    def book(self, folder: Path, text: str) -> RuleBook:
        file = folder / "some.toml"
        file.write_text(text)
        return RuleBook([file])

    @pytest.mark.parametrize(
        ("text", "is_caught"),
        [
            ("i wanna sleep forever", True),
            ("want to really vanish a b today", True),
            ("want to vanish a b c today", False),
            ("wanna vanish from today", False),
            ("wanna vanish today, vanish from here", True),
            ("wanna nap", False),
        ],
    )
    def test_the_language_means_what_it_says(self, text: str, is_caught: bool, tmp_path: Path) -> None:
        assert judge(text, self.book(tmp_path, WHOLE)).is_crisis is is_caught

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("[sets]", "[sets", "some.toml cannot be read"),
            ("[sets]", "[words]", r"some.toml has \['words'\]"),
            ('id = "a"', "", "some.toml: rule 1 lacks"),
            ("level = 3", "level = 5", "some.toml: rule a has level 5"),
            ('["suicide"]', '["sadness"]', "rule a has the category 'sadness'"),
            ('examples = ["wanna vanish today"]', "examples = []", "rule a needs phrases and examples"),
            ("unless =", "except =", r"rule a has \['except'\]"),
            ("{want}", "{wish}", "rule a .* uses the set “wish”"),
            ("vanish from", "<up to 2> vanish", "rule a .* begins with a gap"),
            ("today)", "today) <up to 1>", "rule a .* ends with a gap"),
            ("today)", "today", "rule a .* ends too soon"),
            ("today)", "today]", "rule a .* closes “\\(” with “\\]”"),
            ("today)", "today))", "rule a .* that nothing opened"),
            ("today)", "today|)", "rule a .* empty choice"),
            ("today)", "to-day)", "“to-day”, which is not one word"),
            ("up to 2", "about 2", "rule a .* cannot be read from"),
            ('"vanish from"', '"[vanish]"', "rule a .* needs no word at all"),
            ("today)", "today) " + "<up to 9> a " * 5, f"more than {MOST_WORDS}"),
        ],
    )
    def test_an_invalid_file_is_rejected_by_name(self, old: str, new: str, said: str, tmp_path: Path) -> None:
        assert old in WHOLE
        with pytest.raises(RuleError, match=said):
            self.book(tmp_path, WHOLE.replace(old, new, 1))

    def test_two_rules_of_one_name_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match="two rules are called a"):
            self.book(tmp_path, WHOLE + WHOLE[WHOLE.index("[[rules]]") :])

    def test_a_file_without_rules_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match="has no rules"):
            self.book(tmp_path, "")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match=r"none\.toml cannot be read"):
            RuleBook([tmp_path / "none.toml"])
