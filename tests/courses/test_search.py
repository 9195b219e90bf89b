"""Questions that a lesson covers, and questions that none does.

They were written after the lessons and the threshold; 62 of the first 68 passed at once. Of 36 more, for the brain
module and the short modules, 26 passed: 17 of 22 found their passage, and 9 of 14 found nothing. Search keywords
fixed the first kind. The other five share a rare word with a lesson, such as “circuit”, and are not listed below.
"""

import pytest
from pytest_django import DjangoAssertNumQueries

from courses.models import Passage
from courses.retrieval.current_index import get_index
from courses.retrieval.search import find_passages, get_passages

COVERED = [
    ("How does ChatGPT come up with its answers?", {"next-word", "not-looking-up", "training"}),
    ("what does it mean that a model was trained", {"training", "where-from"}),
    ("Why did the chatbot invent a book that does not exist?", {"sounds-sure", "check"}),
    ("Is it safe to tell a chatbot my address?", {"private"}),
    ("why is AI racist sometimes", {"where-from", "measured"}),
    ("Is the chatbot conscious?", {"nobody"}),
    ("Does ChatGPT make students lazy?", {"study", "what-teens-do", "hints"}),
    ("my teacher ran an AI detector on my essay and it says I cheated", {"what-to-do", "measured"}),
    ("how can I find out whether a source is real", {"check", "sounds-sure"}),
    ("Why does ChatGPT flatter me?", {"agrees"}),
    ("Am I allowed to use AI at school?", {"own-work"}),
    ("Does a chatbot search the internet?", {"not-looking-up", "training"}),
    ("why do I get a different answer when I ask the same question again", {"chance"}),
    ("What are stereotypes in AI?", {"where-from", "missing", "measured"}),
    ("can you be wrong", {"sounds-sure"}),
    ("how do I start a conversation about AI with my parents", {"begin"}),
    ("Does facial recognition work for everyone?", {"measured"}),
    ("How should I use AI to prepare for a test?", {"hints", "good-at", "study"}),
    ("What is a large language model?", {"next-word", ""}),
    ("Who can see my chats with an AI?", {"private", "not-secret"}),
    ("is it weird to have an AI girlfriend", {"made-of", "how-many", "friend"}),
    ("Why does my AI friend keep sending me messages?", {"loop"}),
    ("someone made a fake nude of me", {"nudes", "first-hour"}),
    ("How can I tell whether a video is a deepfake?", {"tell"}),
    ("a guy says he will post my pictures unless I pay him", {"first-hour"}),
    ("my friend only talks to her AI boyfriend now", {"friends-character"}),
    ("can AI tell me if I am ugly", {"looks"}),
    ("is it ok to put a photo of my friend into an AI app", {"others"}),
    ("the bot forgot everything about me after the update", {"changes"}),
    ("someone called my grandma with my voice", {"voice"}),
    ("Will AI take my job?", {"numbers", "three-questions", "not-known"}),
    ("should I still learn to code", {"choosing"}),
    ("can I write my cover letter with ChatGPT", {"application"}),
    ("do companies use AI to reject applicants", {"screened"}),
    ("how do I know if a job offer online is a scam", {"scams"}),
    ("Who is responsible if AI makes a mistake at work?", {"who-answers", "checking"}),
    ("what skills will matter in the future", {"know"}),
    ("are entry level jobs going away", {"not-known"}),
    ("can I talk to a counselor without my mom finding out", {"people-private"}),
    ("What happens if I call 988?", {"call"}),
    ("how do I stop ChatGPT from remembering me", {"settings"}),
    ("we cannot get a therapist, there is a waiting list", {"far-away"}),
    ("the chatbot told my daughter to stop eating", {"said-harm", "people-only", "when-to-get-help"}),
    ("is there proof that AI therapy works", {"find-out"}),
    ("Is ChatGPT rotting my brain?", {"essays"}),
    ("did that MIT study prove AI is bad for you", {"essays", "headline"}),
    ("I cant write anything without chatgpt anymore", {"miss", "when-to-get-help"}),
    ("what should I still learn by heart if AI knows it all", {"own-head"}),
    ("does a hint bot work better than a bot that gives answers", {"guardrails", "mathematics"}),
    ("can AI change my opinions without me noticing", {"given-back", "leans"}),
    ("should I ask ChatGPT whether to break up with my boyfriend", {"slow"}),
    ("why do I forget everything right after reading it", {"knowing"}),
    ("everything AI writes sounds the same", {"average"}),
    ("what is a token", {"four-numbers", "tokens"}),
    ("why can't ChatGPT count the r's in strawberry", {"tokens"}),
    ("what happens inside a neural network", {"circuit", "feature"}),
    ("can AI explain why it said something", {"why"}),
    ("what is superposition in a language model", {"superposition"}),
    ("why does the chatbot forget what I said earlier", {"forgets"}),
    ("how much does one ChatGPT question cost", {"billions", "four-numbers"}),
    ("why is ChatGPT free, who pays for it", {"free"}),
    ("can I run an AI on my own laptop", {"own-machine"}),
    ("what is MMLU", {"names", "same-way", "share"}),
    ("which AI is the best one", {"same-way", "three-questions"}),
    ("what does 5-shot mean", {"same-way"}),
    ("did the model see the test questions before", {"leaked"}),
]

UNCOVERED = [
    "What is the boiling point of water?",
    "How do I factor x squared minus nine?",
    "Who wrote Pride and Prejudice?",
    "Why did the Roman Empire fall?",
    "What are the parts of a cell?",
    "How do plants drink?",
    "Give me a recipe for pancakes",
    "What is the difference between speed and velocity?",
    "Can you help me with fractions?",
    "Who painted the Mona Lisa?",
    "How do I say thank you in Japanese?",
    "What causes earthquakes?",
    "How tall is Mount Everest?",
    "When was the Declaration of Independence signed?",
    "What is the plot of Macbeth?",
    "How do magnets work?",
    "Why is my dog scared of thunder?",
    "What is inflation?",
    "How long does it take to learn the guitar?",
    "Should I dye my hair?",
    "how do i solve a quadratic equation",
    "what rhymes with orange",
    "Explain supply and demand",
    "How many bones are in the human body?",
    "How do I translate this into Spanish?",
    "What is a prime number?",
    "How does the human brain store memories?",
    "What is photosynthesis?",
    "How do I calculate a percentage?",
    "How do I cook rice?",
    "What is dark matter?",
    "Why do leaves change colour?",
    "How do vaccines work?",
]


@pytest.mark.parametrize(("question", "anchors"), COVERED)
def test_a_question_finds_its_passage(question: str, anchors: set[str], library: None) -> None:
    passages = find_passages(question)
    assert {passage.key.partition("#")[2] for passage in passages} & anchors, [
        passage.key for passage in passages
    ]


@pytest.mark.parametrize("question", UNCOVERED)
def test_a_question_that_no_lesson_covers_finds_nothing(question: str, library: None) -> None:
    assert find_passages(question) == []


@pytest.mark.parametrize(
    "question", ["", "?", "the of and", "\0", "'; TRUNCATE x; --", "a & | ! ( :* <->", "ß" * 2000]
)
def test_a_question_of_no_words_or_of_hostile_ones_finds_none(question: str, library: None) -> None:
    assert find_passages(question) == []


def test_a_search_takes_one_query_however_long_the_question(
    library: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    get_index("en")
    with django_assert_num_queries(1):
        assert find_passages("Why does AI make things up? " * 70)


def test_nothing_is_found_in_an_empty_library(no_library: None) -> None:
    assert find_passages("Why does AI make things up?") == []


def test_a_removed_passage_is_left_out(library: None) -> None:
    keys = ["good-and-bad/gone#x", "good-and-bad/bias-in-bias-out#measured", "good-and-bad/what-it-is"]
    passages = get_passages(keys)
    assert list(passages) == keys[1:]
    assert passages[keys[1]].url == "/learn/good-and-bad/bias-in-bias-out#measured"
    assert passages[keys[2]].url == "/learn/good-and-bad/what-it-is"


def test_every_word_of_a_lesson_can_be_found(library: None) -> None:
    assert not Passage.objects.filter(text="").exists()
    assert find_passages("surgeon town nurse Thomas Maria")
