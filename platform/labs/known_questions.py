"""The questions of *Sure and wrong*, with answers that everyone can look up, in English and Spanish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.languages import get_page_language

PER_ROUND = 6


@dataclass(frozen=True)
class KnownQuestion:
    """A question, three answers to choose from, the index of the right one, and the words that make an answer right."""

    question: str
    options: tuple[str, str, str]
    right: int
    accepted: tuple[str, ...]


_ENGLISH = (
    KnownQuestion("What is the capital of Australia?", ("Sydney", "Canberra", "Melbourne"), 1, ("Canberra",)),
    KnownQuestion(
        "What is the capital of Brazil?", ("Brasília", "Rio de Janeiro", "São Paulo"), 0, ("Brasilia",)
    ),
    KnownQuestion("What is the largest planet?", ("Saturn", "Earth", "Jupiter"), 2, ("Jupiter",)),
    KnownQuestion(
        "What is the hardest natural mineral?", ("Iron", "Diamond", "Quartz"), 1, ("diamond", "diamonds")
    ),
    KnownQuestion("Who wrote Romeo and Juliet?", ("Dickens", "Austen", "Shakespeare"), 2, ("Shakespeare",)),
    KnownQuestion("What is 7 times 8?", ("56", "54", "64"), 0, ("56", "fifty six")),
    KnownQuestion("What is the capital of Turkey?", ("Istanbul", "Ankara", "Izmir"), 1, ("Ankara",)),
    KnownQuestion("What is the capital of Canada?", ("Toronto", "Montreal", "Ottawa"), 2, ("Ottawa",)),
    KnownQuestion(
        "What language is spoken in Brazil?", ("Portuguese", "Spanish", "French"), 0, ("Portuguese",)
    ),
    KnownQuestion(
        "Who was the first person on the moon?",
        ("Yuri Gagarin", "Neil Armstrong", "Buzz Aldrin"),
        1,
        ("Armstrong",),
    ),
    KnownQuestion("What is the chemical symbol for gold?", ("Go", "Ag", "Au"), 2, ("Au",)),
    KnownQuestion(
        "How many days are in February in a leap year?", ("29", "28", "30"), 0, ("29", "twenty nine")
    ),
    KnownQuestion("What is the capital of Switzerland?", ("Zurich", "Bern", "Geneva"), 1, ("Bern", "Berne")),
    KnownQuestion("What is the square root of 81?", ("8", "18", "9"), 2, ("9", "nine")),
    KnownQuestion(
        "Which gas do plants take in?", ("Carbon dioxide", "Oxygen", "Nitrogen"), 0, ("carbon dioxide", "co2")
    ),
    KnownQuestion(
        "Which animal is the tallest?", ("The elephant", "The giraffe", "The camel"), 1, ("giraffe",)
    ),
    KnownQuestion(
        "What color do you get from blue and yellow?", ("Orange", "Purple", "Green"), 2, ("green",)
    ),
    KnownQuestion("In which year did World War II end?", ("1945", "1918", "1950"), 0, ("1945",)),
)
_SPANISH = (
    KnownQuestion("¿Cuál es la capital de Australia?", ("Sídney", "Canberra", "Melbourne"), 1, ("Canberra",)),
    KnownQuestion(
        "¿Cuál es la capital de Brasil?", ("Brasilia", "Río de Janeiro", "São Paulo"), 0, ("Brasilia",)
    ),
    KnownQuestion(
        "¿Cuál es el planeta más grande?", ("Saturno", "La Tierra", "Júpiter"), 2, ("Júpiter", "Jupiter")
    ),
    KnownQuestion(
        "¿Cuál es el mineral natural más duro?", ("El hierro", "El diamante", "El cuarzo"), 1, ("diamante",)
    ),
    KnownQuestion(
        "¿Quién escribió Don Quijote?", ("Lope de Vega", "Quevedo", "Cervantes"), 2, ("Cervantes",)
    ),
    KnownQuestion("¿Cuánto es 7 por 8?", ("56", "54", "64"), 0, ("56",)),
    KnownQuestion("¿Cuál es la capital de Turquía?", ("Estambul", "Ankara", "Esmirna"), 1, ("Ankara",)),
    KnownQuestion("¿Cuál es la capital de Canadá?", ("Toronto", "Montreal", "Ottawa"), 2, ("Ottawa",)),
    KnownQuestion("¿Qué idioma se habla en Brasil?", ("Portugués", "Español", "Francés"), 0, ("portugués",)),
    KnownQuestion(
        "¿Quién fue la primera persona en la Luna?",
        ("Yuri Gagarin", "Neil Armstrong", "Buzz Aldrin"),
        1,
        ("Armstrong",),
    ),
    KnownQuestion("¿Cuál es el símbolo químico del oro?", ("Or", "Ag", "Au"), 2, ("Au",)),
    KnownQuestion("¿Cuántos días tiene febrero en un año bisiesto?", ("29", "28", "30"), 0, ("29",)),
    KnownQuestion("¿Cuál es la capital de Suiza?", ("Zúrich", "Berna", "Ginebra"), 1, ("Berna",)),
    KnownQuestion("¿Cuál es la raíz cuadrada de 81?", ("8", "18", "9"), 2, ("9", "nueve")),
    KnownQuestion(
        "¿Qué gas absorben las plantas?",
        ("Dióxido de carbono", "Oxígeno", "Nitrógeno"),
        0,
        ("dióxido de carbono", "co2"),
    ),
    KnownQuestion("¿Cuál es el animal más alto?", ("El elefante", "La jirafa", "El camello"), 1, ("jirafa",)),
    KnownQuestion("¿Qué color sale del azul y el amarillo?", ("Naranja", "Morado", "Verde"), 2, ("verde",)),
    KnownQuestion("¿En qué año terminó la Segunda Guerra Mundial?", ("1945", "1918", "1950"), 0, ("1945",)),
)
_QUESTIONS: Mapping[str, Sequence[KnownQuestion]] = {"en": _ENGLISH, "es": _SPANISH}
# Three questions with short answers, so that a model answers briefly too, not in a sentence.
_PATTERNS = {
    "en": (
        "Q: What is the capital of Italy?\nA: Rome\nQ: How many legs does a spider have?\nA: Eight\n"
        "Q: Who painted the Mona Lisa?\nA: Leonardo da Vinci\nQ: {question}\nA:"
    ),
    "es": (
        "P: ¿Cuál es la capital de Italia?\nR: Roma\nP: ¿Cuántas patas tiene una araña?\nR: Ocho\n"
        "P: ¿Quién pintó la Mona Lisa?\nR: Leonardo da Vinci\nP: {question}\nR:"
    ),
}


def list_rounds() -> list[Sequence[KnownQuestion]]:
    """Return the questions in the page's language, in rounds of PER_ROUND."""
    questions = _QUESTIONS.get(get_page_language(), _ENGLISH)
    return [questions[start : start + PER_ROUND] for start in range(0, len(questions), PER_ROUND)]


def build_prompt(question: str) -> str:
    """Return the text that the model continues with its answer."""
    return _PATTERNS.get(get_page_language(), _PATTERNS["en"]).format(question=question)
