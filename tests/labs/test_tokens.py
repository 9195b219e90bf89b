"""A text in the pieces that the model sees."""

import re

from django.test import Client

from tests.labs.direct import ask_server

TEXT = "Does Xochitl like 🫖 tea?"


def read_ids(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'class="piece-id">(\d+)<', page)]


def test_every_id_is_the_one_that_the_model_server_gives(client: Client, db: None) -> None:
    page = client.post("/labs/tokens", {"text": TEXT, "other": "Té, ¿sí?"}).content.decode()
    asked = [ask_server("/tokenize", {"content": text, "add_special": False}) for text in (TEXT, "Té, ¿sí?")]
    assert read_ids(page) == [*asked[0]["tokens"], *asked[1]["tokens"]]
    assert f"{len(asked[0]['tokens'])} pieces for {len(TEXT)} characters" in page
    assert "cost nothing" in page
    assert "SmolLM2-135M-Instruct" in page


def test_the_page_opens_with_an_example_that_names_its_model_and_its_day(client: Client, db: None) -> None:
    page = " ".join(client.get("/labs/tokens").content.decode().split())
    assert "Saved example" in page
    assert "This is what SmolLM2-135M-Instruct replied on" in page


def test_a_link_opens_another_example(client: Client, db: None) -> None:
    assert (
        "¿Dónde está la mesa de la cocina?" in client.get("/labs/tokens?example=languages").content.decode()
    )


def test_spaces_line_ends_and_bytes_are_made_visible(client: Client, db: None) -> None:
    page = client.post("/labs/tokens", {"text": "a\n b 🫖"}).content.decode()
    assert "new line" in page
    assert "F0 9F" in page
