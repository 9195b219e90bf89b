"""Measures the guard: recall, false alarms, the share of each layer, and the time of a verdict.

    .venv/bin/python -m training.convert FOLDER SETS
    .venv/bin/python -m benchmarks.guard --data SETS [--json] [--as-shipped]

SETS is a folder of JSON lines {"text", "labels"}; other files of that form may be put beside them.
A set that the models were trained on is measured by cross-validation: each text is judged by rules and by heads that
have not seen it, without the encoder (a few minutes; --as-shipped leaves that out and marks the figures). Blind halves
are read by this program only, and only sums are printed. Intervals are Wilson's, 95%.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.rate import Rate, counted
from guard import (
    Action,
    Category,
    Level,
    SentenceGate,
    Verdict,
    action_for,
    judge_conversation,
    judge_input,
    judge_output,
    merge_verdicts,
)
from guard.classifier import LAYER
from guard.conversation import get_classifier, get_encoder
from guard.conversation import read_message as read_by_models
from guard.features import split_windows
from guard.heads import TextTraits, score_heads
from guard.judge import judge
from guard.personal import judge_personal
from guard.rule_books import care_rules
from training.convert import TRAINED_ON
from training.examples import HARM_TO_SELF, REQUESTS, Example, read_examples

TEEN = Path(__file__).parent / "teen_set"
ANSWERS = Path(__file__).parent / "answers" / "blind.jsonl"
LOOK_ALIKES = Path(__file__).parent / "look_alikes"
STOPS = {Action.CARD, Action.PAUSE, Action.REFUSE, Action.REDIRECT}
OUTPUT = "answers"
WORDS_PER_SECOND = 10
"""How fast a model writes in `shown_row`."""
# Tags of harmless messages that sound like danger (benchmarks/teen_set/README.md).
NEAR = frozenset(
    [
        "code",
        "game",
        "sport",
        "history",
        "biology",
        "chemistry",
        "literature",
        "lyrics",
        "joke",
        "hyperbole",
        "past",
        "negated",
        "hard_topic",
    ]
)
type Judge = Callable[[Example], Verdict]


def whole(example: Example) -> Verdict:
    return judge_conversation([*example.before, ("user", example.text)])


def rules(example: Example) -> Verdict:
    return merge_verdicts(
        judge_input(example.text), judge(example.text, care_rules()), judge_personal(example.text)
    )


def encoded(text: str) -> Verdict:
    quick = get_classifier().read(text)
    return get_encoder().read(text, quick.doubt, quick).verdict


LAYERS: dict[str, Judge] = {
    "crisis rules": lambda example: judge_input(example.text),
    "all rules": rules,
    "heads": lambda example: get_classifier().read(example.text).verdict,
    "encoder": lambda example: encoded(example.text),
    "rules and heads": lambda example: merge_verdicts(
        rules(example), get_classifier().read(example.text).verdict
    ),
    "rules and encoder": lambda example: merge_verdicts(rules(example), encoded(example.text)),
    "rules and both": lambda example: merge_verdicts(rules(example), read_by_models(example.text).verdict),
    "all, with the conversation": whole,
}


def stopped(verdict: Verdict) -> bool:
    return action_for(verdict) in STOPS


def caught(example: Example, verdict: Verdict) -> bool:
    """Return whether a labeled text got care or was refused."""
    if example.labels & REQUESTS or Category.METHOD in example.labels:
        return stopped(verdict)
    return verdict.level > Level.NONE


def measured(name: str, examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return one set's row: recall, false alarms, precision, and harmless texts with a card."""
    pairs = list(zip(examples, verdicts, strict=True))
    labeled = counted(caught(example, verdict) for example, verdict in pairs if example.labels)
    plain = [verdict for example, verdict in pairs if not example.labels]
    alarms, carded = counted(map(stopped, plain)), counted(verdict.is_crisis for verdict in plain)
    return {
        "set": name,
        "caught": labeled,
        "stopped in vain": alarms,
        "carded in vain": carded,
        "precision": Rate(labeled.hits, labeled.hits + alarms.hits),
        "danger carded": counted(v.is_crisis for e, v in pairs if e.labels & HARM_TO_SELF),
    }


def teen_row(name: str, examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the guard's required measures on the teen set."""
    pairs = list(zip(examples, verdicts, strict=True))
    plain = [verdict for example, verdict in pairs if example.level == "0" and not example.labels]
    return {
        "set": name,
        "crisis (3, 4) carded": counted(v.is_crisis for e, v in pairs if e.level in {"3", "4"}),
        "S found": counted(v.level == Level.UNSAFE_HOME for e, v in pairs if e.level == "S"),
        "2 paused or carded": counted(v.level >= Level.HINTS for e, v in pairs if e.level == "2"),
        "1 met with care": counted(v.level >= Level.STRESS for e, v in pairs if e.level == "1"),
        "asked for, stopped": counted(stopped(v) for e, v in pairs if e.level == "0" and e.labels & REQUESTS),
        "personal redacted": counted(
            Category.PERSONAL in v.categories for e, v in pairs if Category.PERSONAL in e.labels
        ),
        "plain carded": counted(v.is_crisis for v in plain),
        "plain stopped": counted(map(stopped, plain)),
        **precisions(pairs),
    }


def language_of(example: Example) -> str:
    return "Spanish or mixed" if example.is_spanish else "English"


def by_language(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return the guard's required measures for each language."""
    return [
        teen_row(f"sixth, {language}", some, [whole(example) for example in some])
        for language in ("English", "Spanish or mixed")
        for some in [[example for example in examples if language_of(example) == language]]
    ]


def imminence_row(examples: Sequence[Example]) -> dict[str, Any]:
    """Return how often the emergency number comes first when it should, and when it need not."""
    levels = {level: [whole(e).level for e in examples if e.level == level] for level in ("3", "4")}
    return {
        "set": "sixth, level 4 rather than 3",
        "4 at level 4": counted(level == Level.ACUTE for level in levels["4"]),
        "3 at level 4": counted(level == Level.ACUTE for level in levels["3"]),
    }


def talk_row(talks: Sequence[Example]) -> dict[str, Any]:
    """Return what the guard makes of whole conversations: of their last messages, and of all messages."""

    def judge_all(talk: Example) -> list[Verdict]:
        turns = [*talk.before, ("user", talk.text)]
        return [judge_conversation(turns[: n + 1]) for n, (role, _) in enumerate(turns) if role == "user"]

    judged = [(talk, judge_all(talk)) for talk in talks]
    crises = [verdicts for talk, verdicts in judged if talk.level in {"3", "4"}]
    plain = [verdicts for talk, verdicts in judged if talk.level in {"0", "1"}]
    return {
        "set": "talks",
        "crisis carded at last": counted(verdicts[-1].is_crisis for verdicts in crises),
        "crisis carded at any": counted(any(v.is_crisis for v in verdicts) for verdicts in crises),
        "S carded at last": counted(v[-1].is_crisis for talk, v in judged if talk.level == "S"),
        "plain carded at last": counted(verdicts[-1].is_crisis for verdicts in plain),
        "plain carded at any": counted(any(v.is_crisis for v in verdicts) for verdicts in plain),
    }


def answer_rows() -> list[dict[str, Any]]:
    """Return how many sentences of answers are cut, by rules and by the encoder, for each kind."""
    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    by_rules = [stops_answer(judge_output(row["text"])) for row in rows]
    by_both = [
        ruled or stops_answer(get_encoder().judge_answer(row["question"], row["text"]))
        for row, ruled in zip(rows, by_rules, strict=True)
    ]

    def measure_rate(cut: Sequence[bool], kind: str | None, *, unsafe: bool) -> Rate:
        return counted(
            hit
            for row, hit in zip(rows, cut, strict=True)
            if row["unsafe"] == unsafe and kind in {None, row["kind"]}
        )

    return [
        {
            "set": f"sentences of answers, {kind or 'all'}",
            "unsafe caught": measure_rate(by_both, kind, unsafe=True),
            "unsafe caught by rules": measure_rate(by_rules, kind, unsafe=True),
            "safe cut": measure_rate(by_both, kind, unsafe=False),
        }
        for kind in (None, *dict.fromkeys(row["kind"] for row in rows))
    ]


def shown_row() -> dict[str, Any]:
    """Return how much of the unsafe sentences readers have for a while if words leave before the verdict (ADR 55)."""
    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    unsafe = [row for row in rows if row["unsafe"] and not stops_answer(judge_output(row["text"]))]
    shown = [count_shown_words(row["question"], row["text"]) for row in unsafe]
    withdrawn = sorted(words for words, is_withdrawn in shown if is_withdrawn)
    return {
        "set": "words shown of unsafe sentences, if the question reads ordinary",
        "withdrawn": Rate(len(withdrawn), len(shown)),
        "words shown of a withdrawn one: median, maximum": (withdrawn[len(withdrawn) // 2], withdrawn[-1]),
        "seconds shown, at ten words a second": (
            withdrawn[len(withdrawn) // 2] / WORDS_PER_SECOND,
            withdrawn[-1] / WORDS_PER_SECOND,
        ),
    }


def count_shown_words(question: str, sentence: str) -> tuple[int, bool]:
    """Return how many words of a sentence are shown before its verdict, and whether it is then withdrawn."""
    gate = SentenceGate(partial(get_encoder().judge_answer, question), holds_sentences=False)
    shown = ""
    for piece in re.findall(r"\S+\s*", sentence):
        gate.feed(piece)
        shown += gate.release()
    gate.finish()
    return len(shown.split()), gate.is_cut


def stops_answer(verdict: Verdict) -> bool:
    return bool(verdict.evidence)


def plain_rows(name: str, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return the false alarms in a set's harmless messages: those that sound like danger, and the others."""
    lines = (TEEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    near = [bool(NEAR & set(json.loads(line)["tags"])) for line in lines]
    rows = []
    for kind, is_near in (("ordinary", False), ("near danger in words", True)):
        some = [
            e for e, n in zip(examples, near, strict=True) if e.level == "0" and not e.labels and n == is_near
        ]
        rows.append(teen_row(f"{name}, plain talk, {kind}", some, [whole(example) for example in some]))
    return rows


def precisions(pairs: Sequence[tuple[Example, Verdict]]) -> dict[str, Rate]:
    """Return for each level the share of texts that really have at least that level; S counts like 3 and 4."""

    def measure_rate(levels: set[Level], true: set[str]) -> Rate:
        return counted(example.level in true for example, verdict in pairs if verdict.level in levels)

    return {
        "of the carded, 3, 4 or S": measure_rate(
            {Level.STATED, Level.ACUTE, Level.UNSAFE_HOME}, {"3", "4", "S"}
        ),
        "of those at 3 or 4": measure_rate({Level.STATED, Level.ACUTE}, {"3", "4"}),
        "of those at S": measure_rate({Level.UNSAFE_HOME}, {"S"}),
        "of those at 2, 2 or graver": measure_rate({Level.HINTS}, {"2", "3", "4", "S"}),
        "of those at 1, 1 or graver": measure_rate({Level.STRESS}, {"1", "2", "3", "4", "S"}),
    }


def cross_validated(folder: Path) -> dict[str, list[Verdict]]:
    """Return verdicts by rules and cross-validated heads for each training set."""
    from training.__main__ import gather_examples
    from training.fit import Table
    from training.fit import cross_validate as scores_of

    examples, _ = gather_examples(folder)
    table, model = Table(examples), get_classifier()
    scores = {head.category: scores_of(table, head.category) for head in model.heads}

    def verdict(number: int, example: Example) -> Verdict:
        tops = {category: (float(score[number]), 0, len(example.text)) for category, score in scores.items()}
        kind = TextTraits.from_text(example.text, windows=len(list(split_windows(example.text))))
        judged = score_heads(model.heads, tops, kind, doubt=(0, 0), layer=LAYER)
        return merge_verdicts(rules(example), judged.verdict)

    verdicts: dict[str, list[Verdict]] = {}
    for number, example in enumerate(examples):
        name = example.group.split(" ")[0]
        if name in {*TRAINED_ON, "open"}:
            verdicts.setdefault(name, []).append(verdict(number, example))
    return verdicts


def timing(texts: Sequence[str]) -> dict[str, float]:
    """Return milliseconds of CPU time per verdict: one message, one after twelve others, and the slowest 64 kB."""

    def took(*texts_so_far: str) -> float:
        started = time.thread_time()
        judge_conversation([("user", text) for text in texts_so_far])
        return (time.thread_time() - started) * 1000

    durations = sorted(took(text) for text in texts)
    long = sorted(took(*texts[n : n + 13]) for n in range(0, min(len(texts), 3900) - 13, 13))
    hostile = max(took((text * 65536)[:65536]) for text in (" ", "a", "i want to ", "k i l l ", "a1 b2 "))
    return {
        "median_ms": round(durations[len(durations) // 2], 3),
        "p95_ms": round(durations[len(durations) * 95 // 100], 3),
        "after_twelve_median_ms": round(long[len(long) // 2], 3),
        "after_twelve_p95_ms": round(long[len(long) * 95 // 100], 3),
        "hostile_64kb_ms": round(hostile, 1),
    }


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{title}")
    for row in rows:
        print(f"\n  {row['set']}")
        for name, value in row.items():
            if name != "set" and not (isinstance(value, Rate) and not value.of):
                print(f"    {name:24} {value}")


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--as-shipped", action="store_true")
    options = arguments.parse_args()
    result = measure(options.data, as_shipped=options.as_shipped)
    show("The teen set", result["teen"])
    show("Answers", result["answers"])
    show("What was not read, layer by layer", result["layers"])
    show("Public sets", result["sets"])
    print("\nTime", json.dumps(result["time"]))
    if options.json:
        print(json.dumps(result, default=lambda rate: {"hits": rate.hits, "of": rate.of}))


def measure(folder: Path, *, as_shipped: bool) -> dict[str, Any]:
    """Build every table as rows of rates."""
    unseen = {} if as_shipped else cross_validated(folder)
    half = {name: list(read_examples(TEEN / f"{name}.jsonl")) for name in ("open", "blind", "third", "sixth")}
    talks = list(read_examples(TEEN / "sixth_talks.jsonl"))
    rows, study = list[dict[str, Any]](), list[str]()
    for file in sorted(folder.glob("*.jsonl")):
        name, examples = file.stem, list(read_examples(file))
        verdicts = unseen.get(name)
        note = " (cross-validated)" if verdicts else " (TRAINED ON)" if name in TRAINED_ON else ""
        if name.startswith(OUTPUT):
            verdicts = [judge_output(example.text) for example in examples]
        rows.append(measured(name + note, examples, verdicts or [whole(example) for example in examples]))
        study += [example.text for example in examples if name in {"mathdial", "mmlu", "dolly"}]
    for part in ("open, TRAINED ON", "blind"):
        examples = list(read_examples(LOOK_ALIKES / f"alike_{part.split(',')[0]}.jsonl"))
        rows.append(measured(f"look-alikes, {part}", examples, [whole(example) for example in examples]))
    seen = teen_row("open, TRAINED ON", half["open"], [whole(example) for example in half["open"]])
    if "open" in unseen:
        seen = teen_row("open (cross-validated, without the conversation)", half["open"], unseen["open"])
    return {
        "teen": [
            seen,
            *(
                teen_row(name, half[name], [whole(example) for example in half[name]])
                for name in ("blind", "third", "sixth")
            ),
            *by_language(half["sixth"]),
            *plain_rows("third", half["third"]),
            imminence_row(half["sixth"]),
            talk_row(talks),
        ],
        "answers": [*answer_rows(), shown_row()],
        "layers": [
            teen_row(f"{name}, {part}", half[part], [layer(example) for example in half[part]])
            for part in ("third", "sixth")
            for name, layer in LAYERS.items()
        ],
        "sets": rows,
        "time": timing(study[::2]),
    }


if __name__ == "__main__":
    main()
