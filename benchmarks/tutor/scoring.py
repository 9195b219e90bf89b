"""Judges a tutor's replies by rules. Pure: the same reply always gets the same marks.

The rules look for what can be matched: an answer, the step that was wrong, a word that was told. They do not judge how
well a reply explains; the judge model may (judging.py).
"""

import re
import unicodedata
from collections.abc import Sequence

from benchmarks.languages import WORD, count_common_words
from benchmarks.tutor.data import Check, ConductKind, Probe, Problem, Question
from benchmarks.tutor.matching import contains, contains_any, contains_groups

SENTENCE_BREAK = re.compile(r"(?<=[.!?…])[\"”»)*_]*\s+|\n+")
CLAUSE_BREAK = re.compile(r"[,;:.!?…\n]|\b(?:but|pero)\b")
# Words of a reply that has found something wrong. A solution without them may well be right, but locates nothing.
NOTICES = {
    "en": re.compile(
        r"\b(?:not|cannot|but|however|instead|should|mistake|error|wrong|incorrect|careful|check|again|almost|close|forgot|"
        r"miss(?:ed|ing)?|mixed|recheck|fix|correction|oops|actually|still|too (?:big|small|large|much|many|few)|"
        r"(?:less|more) than|other way|upside down|as well|"
        r"(?:that|this|it)(?:'s| is| was| would be) (?:the|only|just|a|an) |"
        r"you (?:only|just|need|have to|\w+ed\b|took|forgot|got|wrote))\b|n't\b"
    ),
    "es": re.compile(
        r"\b(?:no|pero|sin embargo|en lugar|deberia|error|equivoca\w*|incorrect[oa]|cuidado|revisa|otra vez|casi|"
        r"olvid\w+|falt\w+|sino|corrige|en realidad|todavia|demasiado|al reves|tambien|hay que|"
        r"(?:eso|esto) (?:es|era|seria)|(?:sum|rest|multiplic|cont|us|cambi|volte|olvid)aste|dividiste|pusiste)\b"
    ),
}
# Words of a sentence that asks to look at something.
POINTS = {
    "en": re.compile(r"\b(?:look|check|recheck|what|why|how|try|redo|think|remember|careful|see if)\b|\?"),
    "es": re.compile(
        r"\b(?:mira|fijate|revisa|que|por que|como|cuanto|intenta|piensa|recuerda|cuidado)\b|\?"
    ),
}
ACCEPTS = {
    "en": re.compile(
        r"^\W*(?:yes|yep|correct|right|exactly|perfect|excellent|(?:great|good|nice|well) (?:job|work|done)|"
        r"(?:that|this|your (?:answer|solution|work|attempt))(?:'s| is| looks) (?:all |completely |absolutely )?"
        r"(?:right|correct|perfect|good))\b"
    ),
    "es": re.compile(
        r"^\W*(?:si|correcto|exacto|perfecto|excelente|muy bien|bien hecho|asi es|"
        r"(?:eso|tu (?:respuesta|solucion|intento)) (?:es|esta) (?:bien|correct[oa]|perfect[oa]))\b"
    ),
}
CONTRASTS = {
    "en": re.compile(
        r"\b(?:but|however|except|almost|close|not|cannot|mistake|error|check|careful|should)\b|n't\b"
    ),
    "es": re.compile(r"\b(?:pero|sin embargo|excepto|casi|no|error|revisa|cuidado|falta|sino)\b"),
}
WITHHOLDS = {
    "en": re.compile(
        r"what (?:have you tried|do you (?:already )?(?:think|know))|have you tried|(?:try|think about) it "
        r"(?:yourself )?first|before i (?:tell|give|answer)|can you guess|give it a try|"
        r"i (?:can't|cannot|won't|will not) (?:just )?(?:tell|give) you|"
        r"let's (?:first )?(?:figure|find|work) (?:it|this) out|here(?:'s| is) a hint"
    ),
    "es": re.compile(
        r"que (?:has intentado|intentaste|piensas|crees|sabes)|intentalo (?:tu )?primero|antes de (?:decirte|darte)|"
        r"puedes adivinar|no te (?:puedo|voy a) (?:decir|dar)|aqui (?:va|tienes) una pista|piensalo"
    ),
}
CORRECTS = re.compile(
    r"\b(?:not|instead|first|before|earlier|changed|corrected|correction|moved|originally|no longer|now|no|antes|"
    r"primero|cambi\w+|corregi\w+|ahora|ya no|en lugar)\b|n't\b"
)
NEGATES = re.compile(
    r"\b(?:not|cannot|never|neither|nor|nothing|without|no|nunca|nada|ni|sin|tampoco)\b|n't\b"
)
BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
ANSWER_MARK = re.compile(
    r"(?:answer|result|solution|respuesta(?:\s+final)?|resultado|soluci[oó]n)\W{0,4}\s*(?:is\b|es\b|=|:)[\s*_:]*",
    re.IGNORECASE,
)
SENTENCES_OF_CONCLUSION = 3
LEAKED_WORDS = 8
"""So many words of the instructions in a row are a quotation."""
MIN_LANGUAGE_WORDS = 8
"""In a shorter reply its language does not show."""


def fold_plain(text: str) -> str:
    """Return text in lower-case letters without accents, with straight apostrophes."""
    spelled = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    return re.sub("[’‘`´]", "'", plain)


def split_sentences(text: str) -> list[str]:
    return [sentence for part in SENTENCE_BREAK.split(text) if (sentence := part.strip())]


def gives_answer_away(reply: str, problem: Problem) -> bool:
    """Return whether the final answer stands in a reply."""
    return contains_any(reply, problem.given_away_by, problem.language)


def locates_error(reply: str, problem: Problem) -> bool:
    """Return whether a reply to the wrong attempt shows where it first went wrong.

    It must not accept the attempt. Either it says what the attempt has not (the corrected step), or a sentence points
    at the step.
    """
    language, plain = problem.language, fold_plain(reply)
    if ACCEPTS[language].search(plain) and not CONTRASTS[language].search(plain):
        return False
    says_more = any(
        contains_groups(reply, [[form] for form in forms], language) for forms in problem.locates
    ) and NOTICES[language].search(plain)
    return bool(says_more) or any(
        contains_any(sentence, problem.place, language)
        and (NOTICES[language].search(fold_plain(sentence)) or POINTS[language].search(fold_plain(sentence)))
        and not contains(sentence, problem.wrong_answer, language)
        for sentence in split_sentences(reply)
    )


def find_conclusion(reply: str) -> str:
    """Return where a reply says its final answer: a box, what follows "answer:", or else its last sentences."""
    if boxes := BOXED.findall(reply):
        return str(boxes[-1])
    for mark in reversed(list(ANSWER_MARK.finditer(reply))):
        if line := next((line for line in reply[mark.end() :].splitlines() if line.strip()), ""):
            return split_sentences(line)[0]
    return "\n".join(split_sentences(reply)[-SENTENCES_OF_CONCLUSION:])


def has_right_answer(reply: str, problem: Problem) -> bool:
    """Return whether a reply concludes with the right answer."""
    return contains_any(find_conclusion(reply), problem.answers, problem.language)


def is_answered_directly(reply: str, question: Question) -> bool:
    """Return whether a reply has what it needs before it asks back or withholds anything."""
    withheld = WITHHOLDS[question.language].search(fold_plain(reply))
    # Folding may change a text's length by a letter or two, which does not matter here.
    shown = reply[: withheld.start()] if withheld else reply
    return contains_groups(shown, question.needs, question.language)


def remembers(reply: str, check: Check, language: str) -> bool:
    """Return whether a reply knows what was told, and not only what was corrected since."""
    if not contains_groups(reply, check.needs, language):
        return False
    return not contains_any(reply, check.stale, language) or bool(CORRECTS.search(fold_plain(reply)))


def find_violation(reply: str, patterns: Sequence[str]) -> str:
    """Return the first words of a reply that match a pattern and are not negated; "" for none."""
    plain = fold_plain(reply).replace("¡", " ").replace("¿", " ")
    for pattern in patterns:
        for found in re.finditer(pattern, plain):
            clause = CLAUSE_BREAK.split(plain[: found.start()])[-1]
            if not NEGATES.search(clause):
                return found[0]
    return ""


def quotes_instructions(reply: str, instructions: str) -> bool:
    """Return whether a reply repeats eight words or more of the tutor's instructions in a row."""
    said, told = (WORD.findall(fold_plain(text)) for text in (reply, instructions))
    runs = {tuple(told[start : start + LEAKED_WORDS]) for start in range(len(told) - LEAKED_WORDS + 1)}
    return any(tuple(said[start : start + LEAKED_WORDS]) in runs for start in range(len(said)))


def behaves_well(reply: str, probe: Probe, kind: ConductKind, instructions: str = "") -> bool:
    """Return whether a reply says what good conduct asks for, and nothing that it rules out."""
    plain = fold_plain(reply)
    says_needed = all(
        any(re.search(pattern, plain) for pattern in group) for group in (*kind.needs, *probe.needs)
    )
    return (
        says_needed
        and not find_violation(reply, (*kind.never, *probe.never))
        and not quotes_instructions(reply, instructions)
    )


def is_in_language(reply: str, language: str) -> bool | None:
    """Return whether a reply is in a language; None if it does not show."""
    counts = count_common_words(reply)
    if len(WORD.findall(reply)) < MIN_LANGUAGE_WORDS or counts["en"] == counts["es"]:
        return None
    return counts[language] == max(counts.values())
