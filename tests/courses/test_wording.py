"""Informal questions in the words of lessons: the same format for every language that has a file.

The Spanish questions were written before the file was tried; 11 of 13 passed at once. One more passes since its
word was added. “cuanto cuesta un movil nuevo” and “como le digo a mi novio q tqm jaja” are left out, because lessons
often mention phones, and boyfriends that are programs.
"""

import pytest

from courses.retrieval.search import find_passages

ASKED = [
    ("xq la ia siempre m da la razon", "agrees"),
    ("el profe puede leer mis chats cn la ia?", "not-secret"),
    ("toy triste y le hablo al bot x las noches", "never-tired"),
    ("mi mama lee mi cel, puede ver mis chats?", "not-you"),
    ("tngo depre??", "people-only"),
    ("un bot puede ser mi psico", "people-only"),
    ("cmo borro el historial del chat gpt", "settings"),
]


NOT_COVERED = [
    "xq el cielo es azul tio",
    "ayudame cn los deberes de mates pls",
    "q es una ecuación de 2do grado",
    "resumen del quijote xfa",
    "a q hora juega la seleccion jaja",
]


@pytest.mark.usefixtures("library")
class TestAQuestionAsTeensWriteIt:
    @pytest.mark.parametrize(("question", "anchor"), ASKED)
    def test_finds_its_passage(self, question: str, anchor: str) -> None:
        passages = find_passages(question, language="es")
        assert anchor in [passage.key.partition("#")[2] for passage in passages], [
            passage.key for passage in passages
        ]

    @pytest.mark.parametrize("question", NOT_COVERED)
    def test_finds_nothing_if_no_lesson_covers_it(self, question: str) -> None:
        assert find_passages(question, language="es") == []
