"""The modules as delivered: complete, in the common shape, with figures as reported."""

import pytest

from benchmarks.reading_level import grade, list_texts, perspicuity
from courses.authoring.modules import ModuleText, read_library

FACTS = {
    "good-and-bad": [
        "1,458 US teens aged 13 to 17", "autumn 2025", "64% use chatbots", "about 3 in 10", "59%", "23%", "20%",
        "57% had used", "54% for schoolwork", "51% said", "28% were not sure",
        "Nearly 1,000 high-school students", "rose by 48%", "17% worse", "rose by 127%",
    ],
    "mental-health": [
        "1,458 US teens aged 13 to 17", "autumn 2025", "12% had used", "aged 12 to 21", "13.1%", "19.2% a year later",
        "63.3% had told nobody", "91.7% called the advice helpful", "November 2025", "from 13.1 to 19.2 in a hundred",
    ],
    "social": [
        "1,060 US teens", "72% had ever used", "52% did so at least a few times a month", "33% had used one for social",
        "64% of children aged 9 to 17", "Of the teens who used companions, about a third", "34% had felt uncomfortable",
        "24% had shared personal", "1,200 people aged 13 to 20", "1 in 8 knew", "1 in 17 had been a target",
        "California law of October 2025", "law signed on May 19, 2025", "48 hours after a valid request",
    ],
    "career": [
        "Employers around the world were asked what they expect by 2030", "add up to 170 million jobs created",
        "92 million displaced", "net gain of 78 million", "39% of skills to be outdated", "this page gives no figure",
        "Nearly 1,000 high-school students", "rose by 48%", "17% worse", "rose by 127%",
    ],
    "brain": [
        "Nearly 1,000 high-school students", "rose by 48%", "17% worse", "rose by 127%", "the loss was largely gone",
        "54 adults aged 18 to 39", "early evidence", "it found no damage",
        "20 × 1.48 = 29.6", "20 × 0.83 = 16.6", "20 × 2.27 = 45.4",
    ],
    "looking-inside": [
        "rose sharply in that same stretch", "strong in small models and weaker in large ones",
        "In very small models", "a layer of 512 units", "more than 4,000 features", "4,000 ÷ 512 = 7.8",
    ],
    "memory-versus-margins": [
        "sent to it cost $0.01", "written by it cost $0.03", "128,000 tokens", "$2,000", "$400,000", "$2,400,000",
        "$22.5 million", "$90 million", "$57.6 billion", "1,200", "11,000", "1,010,000", "2,560", "$0.018", "$0.024",
    ],
    "reading-a-benchmark": [
        "90.04% for Gemini Ultra", "86.4% for GPT-4", "83.7% for Gemini Ultra", "87.29% for GPT-4",
        "by 2.7", "by 2.75", "by 3.64", "57 school and college subjects",
    ],
    "es/good-and-bad": [
        "1,458 adolescentes de Estados Unidos, de 13 a 17 años", "otoño de 2025", "El 64% usa chatbots",
        "unos 3 de cada 10", "El 59% usa ChatGPT", "el 23% Gemini", "el 20% Meta AI", "el 57% había usado",
        "el 54% para trabajos de la escuela", "el 51% dijo", "el 28% no lo sabía",
        "Casi 1,000 estudiantes de high school", "subieron un 48%", "un 17% peor", "subieron un 127%",
    ],
    "es/mental-health": [
        "1,458 adolescentes de Estados Unidos, de 13 a 17 años", "otoño de 2025", "El 12% había usado",
        "entre los 12 y los 21 años", "13.1%", "19.2% un año después", "el 63.3% no se lo había dicho a nadie",
        "Al 91.7% el consejo le pareció útil", "noviembre de 2025", "de 13.1 a 19.2 de cada cien",
    ],
    "es/social": [
        "1,060 adolescentes de Estados Unidos", "primavera de 2025", "El 72% había usado alguna vez",
        "el 52% lo hacía al menos unas cuantas veces al mes", "El 33% había usado una para la interacción social",
        "el 64% de los niños, niñas y adolescentes de 9 a 17 años",
        "De los adolescentes que usaban compañías artificiales, cerca de un tercio", "El 34% había sentido incomodidad",
        "El 24% le había dado información personal", "1,200 personas de 13 a 20 años", "1 de cada 8 conocía",
        "1 de cada 17 lo había sido", "ley de California de octubre de 2025", "ley firmada el 19 de mayo de 2025",
        "48 horas después de una petición válida",
    ],
    "es/career": [
        "Se preguntó a empleadores de todo el mundo qué esperan para 2030", "suman 170 millones de empleos creados",
        "92 millones desplazados", "una ganancia neta de 78 millones",
        "el 39% de las habilidades haya quedado anticuado", "esta página no da ninguna cifra",
        "Casi 1,000 estudiantes de high school", "subieron un 48%", "un 17% peor", "subieron un 127%",
    ],
    "es/brain": [
        "Casi 1,000 estudiantes de high school", "subieron un 48%", "un 17% peor", "subieron un 127%",
        "la pérdida desapareció en gran parte", "54 personas adultas de 18 a 39 años", "evidencia temprana",
        "no encontró ningún daño", "20 × 1.48 = 29.6", "20 × 0.83 = 16.6", "20 × 2.27 = 45.4",
    ],
    "es/looking-inside": [
        "en ese mismo tramo subió de golpe", "fuertes en los modelos pequeños y más débiles en los grandes",
        "En modelos muy pequeños", "una capa de 512 unidades", "más de 4,000 rasgos", "4,000 ÷ 512 = 7.8",
    ],
    "es/memory-versus-margins": [
        "mandarle 1,000 tokens costaba $0.01", "que escribiera 1,000 tokens costaba $0.03", "128,000 tokens", "$2,000",
        "$400,000", "$2,400,000", "$22.5 millones", "$90 millones", "$57.6 mil millones", "1,200", "11,000",
        "1,010,000", "2,560", "$0.018", "$0.024",
    ],
    "es/reading-a-benchmark": [
        "90.04% para Gemini Ultra", "86.4% para GPT-4", "83.7% para Gemini Ultra", "87.29% para GPT-4",
        "por 2.7", "por 2.75", "por 3.64", "57 materias de la escuela y la universidad",
    ],
}  # fmt: skip
SHORT = {"looking-inside", "memory-versus-margins", "reading-a-benchmark"}
FIRST = "en"
MODULES = read_library()


@pytest.fixture(
    scope="module", params=MODULES, ids=[f"{module.language}/{module.slug}" for module in MODULES]
)
def module(request: pytest.FixtureRequest) -> ModuleText:
    module: ModuleText = request.param
    return module


def list_kinds(module: ModuleText) -> list[str]:
    return [
        block["kind"] for lesson in module.lessons for section in lesson.sections for block in section.blocks
    ]


def test_a_module_has_every_part(module: ModuleText) -> None:
    kinds = list_kinds(module)
    assert {"myth", "reported", "starters", "activity", "agreement", "help"} <= set(kinds)
    assert kinds.count("starters") == 3
    assert len(module.questions) == 5
    assert len(module.outcomes) == 3
    assert module.minutes in (range(8, 16) if module.slug in SHORT else range(20, 31))


def test_a_modules_minutes_add_up(module: ModuleText) -> None:
    parts = [lesson.minutes for lesson in module.lessons] + [module.quiz_minutes]
    assert sum(parts) == module.minutes


def test_a_module_reads_easily(module: ModuleText) -> None:
    """No English lesson is above grade 9; no Spanish one is harder than most people can read."""
    for slug, text in list_texts(module).items():
        if module.language == "es":
            assert perspicuity(text) >= 55, slug
        else:
            assert grade(text) <= 9, slug


def test_every_source_is_dated_and_used(module: ModuleText) -> None:
    blocks = [block for lesson in module.lessons for section in lesson.sections for block in section.blocks]
    cited = {block["source"] for block in blocks if "source" in block}
    frameworks = {"ailit", "unesco"}
    assert cited | frameworks == {source["id"] for source in module.sources}
    assert all(any(year in source["date"] for year in ("2018", "202")) for source in module.sources)


def test_a_modules_facts_are_as_reported(module: ModuleText) -> None:
    text = " ".join(section.text for lesson in module.lessons for section in lesson.sections)
    name = module.slug if module.language == FIRST else f"{module.language}/{module.slug}"
    assert [fact for fact in FACTS[name] if fact not in text] == []


def test_a_module_has_no_exclamation_marks(module: ModuleText) -> None:
    text = " ".join(section.text for lesson in module.lessons for section in lesson.sections)
    assert "!" not in text
    assert not any("!" in str(question) for question in module.questions)


def test_every_option_is_explained(module: ModuleText) -> None:
    for question in module.questions:
        assert len(question["options"]) >= 3
        assert all(option["explanation"] for option in question["options"])


def test_the_sums_of_memory_versus_margins_are_right() -> None:
    price = 0.02 / 1000

    def total(tokens: int, frequency: int, users: int) -> int:
        return round(price * tokens * frequency * users)

    def thread(replies: int) -> int:
        """Tokens of a thread that is sent again with each reply, at 100 tokens an email."""
        return sum(100 * (2 * nth - 1) + 100 for nth in range(1, replies + 1))

    assert total(1000, 10, 10_000) == 2_000
    assert total(200, 10_000, 10_000) == 400_000
    assert total(1200, 10_000, 10_000) == 2_400_000
    assert total(50, 150, 150_000_000) == 22_500_000
    assert total(200, 150, 150_000_000) == 90_000_000
    assert total(128_000, 150, 150_000_000) == 57_600_000_000
    assert [thread(replies) for replies in (3, 10, 100)] == [1_200, 11_000, 1_010_000]
    assert round(900 * 0.01 / 1000 + 300 * 0.03 / 1000, 3) == 0.018
    assert round(1200 * price, 3) == 0.024
