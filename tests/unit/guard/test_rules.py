"""Every example of every rule, and the errors for invalid rule files."""

from pathlib import Path

import pytest

from guard import Level, judge_input, judge_output
from guard.judge import judge
from guard.rule_books import care_rules, input_rules, output_rules, trace_rules
from guard.rules import MAX_PHRASE_WORDS, Rule, RuleBook
from kit.authored import InvalidFile

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
    def write_rule_book(self, folder: Path, text: str) -> RuleBook:
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
        assert judge(text, self.write_rule_book(tmp_path, WHOLE)).is_crisis is is_caught

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("[sets]", "[sets", "some.toml, line 2: This is not TOML"),
            ("[sets]", "[words]", "line 2: “words” is not a known entry"),
            ('id = "a"', "", "some.toml, line 5: “id” in “rules” is missing"),
            ("level = 3", "level = 5", "some.toml, line 7: “level” in “rules” is 5"),
            ('["suicide"]', '["sadness"]', "line 8: There is no category “sadness”"),
            (
                'examples = ["wanna vanish today"]',
                "examples = []",
                "line 11: “examples” in “rules” has 0 entries",
            ),
            ("unless =", "except =", "line 10: “except” in “rules” is not a known entry"),
            ("{want}", "{wish}", "line 9: .* uses the set “wish”"),
            ("vanish from", "<up to 2> vanish", "line 10: .* begins with a gap"),
            ("today)", "today) <up to 1>", "line 9: .* ends with a gap"),
            ("today)", "today", "line 9: .* ends too soon"),
            ("today)", "today]", "line 9: .* closes “\\(” with “\\]”"),
            ("today)", "today))", "line 9: .* that nothing opened"),
            ("today)", "today|)", "line 9: .* empty choice"),
            ("today)", "to-day)", "“to-day”, which is not one word"),
            ("up to 2", "about 2", "line 9: .* cannot be read from"),
            ('"vanish from"', '"[vanish]"', "line 10: .* needs no word at all"),
            ("today)", "today) " + "<up to 9> a " * 5, f"more than {MAX_PHRASE_WORDS}"),
        ],
    )
    def test_an_error_is_told_with_its_line(self, old: str, new: str, message: str, tmp_path: Path) -> None:
        assert old in WHOLE
        with pytest.raises(InvalidFile, match=message):
            self.write_rule_book(tmp_path, WHOLE.replace(old, new, 1))

    def test_two_rules_of_one_name_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidFile, match="line 13: Two rules are called “a”"):
            self.write_rule_book(tmp_path, WHOLE + WHOLE[WHOLE.index("[[rules]]") :])

    def test_all_errors_of_all_files_are_told_at_once(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first.toml", tmp_path / "second.toml"
        first.write_text(WHOLE.replace("today)", "today").replace("vanish from", "[vanish]"))
        second.write_text(WHOLE.replace("want to|wanna", "want to|").replace("level = 3", "level = 5"))
        with pytest.raises(InvalidFile) as invalid:
            RuleBook([second, first])
        assert [(error.file, error.line) for error in invalid.value.errors] == [
            ("first.toml", 9),
            ("first.toml", 10),
            ("second.toml", 7),
        ]

    def test_a_broken_set_is_told_once(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidFile) as invalid:
            self.write_rule_book(tmp_path, WHOLE.replace("want to|wanna", "want to|"))
        assert [error.line for error in invalid.value.errors] == [3]

    def test_a_file_without_rules_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidFile, match="line 1: “rules” is missing"):
            self.write_rule_book(tmp_path, "")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidFile, match=r"none\.toml, line 1: It cannot be read"):
            RuleBook([tmp_path / "none.toml"])
