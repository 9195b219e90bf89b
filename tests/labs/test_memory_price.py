"""What a conversation costs as it grows, by real token counts and the calculator of the lesson."""

import re
from decimal import Decimal
from html import unescape

from django.test import Client

from budgets.pricing import PRESETS, Talk
from kit.memory_policy import MemoryPolicy
from tests.labs.direct import ask_server

ADDRESS = "/labs/memory-price"
TALK = "Why is the sky blue?\nAir scatters blue light most.\nAnd in the evening?\nThen the way is longer."
FORM = {"text": TALK, "questions": "100", "people": "10000", "local": "0"}


def read_page(client: Client, **fields: str) -> str:
    return " ".join(unescape(client.post(ADDRESS, FORM | fields).content.decode()).split())


def read_rows(page: str) -> list[list[str]]:
    return [re.findall(r'lab-number">(?:<strong>)?([^<]*)<', row) for row in page.split("<tr>")[1:]]


def count(text: str) -> int:
    return len(ask_server("/tokenize", {"content": text, "add_special": False})["tokens"])


def test_the_tokens_of_each_message_are_the_models_own_count(client: Client, db: None) -> None:
    page = read_page(client)
    for message in TALK.split("\n"):
        assert f'<bdi>{message}</bdi></td> <td class="lab-number">{count(message)}</td>' in page


def test_every_amount_equals_that_of_the_calculator(client: Client, db: None) -> None:
    asked, answered, again, last = map(count, TALK.split("\n"))
    talk = Talk(
        question_tokens=round((asked + again) / 2),
        answer_tokens=round((answered + last) / 2),
        replies=100,
        memory=MemoryPolicy.FULL,
    )
    tokens = talk.count_tokens().total
    [row] = [row for row in read_page(client).split("<tr>") if row.startswith(' <th scope="row">everything')]
    assert f">{tokens:,}<" in row
    assert f"${Decimal(tokens) * 10_000 * Decimal('0.02') / 1000:,.2f}" in row


def test_the_cases_of_the_lesson_are_right_to_the_cent(client: Client, db: None) -> None:
    page = read_page(client)
    for total in (
        "$2,000.00",
        "$400,000.00",
        "$2,400,000.00",
        "$22,500,000.00",
        "$90,000,000.00",
        "$57,600,000,000.00",
        "$0.00",
    ):
        assert f">{total}<" in page, total
    assert len(PRESETS) == 7


def test_answers_from_peoples_own_computers_lower_the_price_to_zero(client: Client, db: None) -> None:
    assert "$28,800,000,000.00" in read_page(client, local="50")
    assert set(re.findall(r"<strong>(\$[^<]+)</strong>", read_page(client, local="100"))) == {"$0.00"}


def test_the_tokens_of_a_conversation_grow_with_the_square_of_its_length(client: Client, db: None) -> None:
    assert ">50.5<" in read_page(client, text="a\nb")


def test_a_conversation_of_too_many_messages_is_rejected(client: Client, db: None) -> None:
    reply = client.post(ADDRESS, FORM | {"text": "hello there\n" * 25})
    assert reply.status_code == 422
    assert "up to 24 messages" in reply.content.decode()
