"""The shipped library, loaded once per test process and copied back into emptied tables.

Loading reads a hundred files and computes embeddings, which takes a second. Copying the rows takes some hundredths of a
second. tests/courses/test_loading.py tests loading itself.
"""

from django.db import connection, transaction
from django.db.models import Model

from courses.authoring.loading import load_library
from courses.models import Briefing, Lesson, LessonWord, Module, Passage, Phrase, QuizQuestion
from courses.retrieval.current_index import note_library_change

# In the order of their foreign keys.
MODELS: tuple[type[Model], ...] = (Module, Lesson, QuizQuestion, Passage, Phrase, LessonWord, Briefing)
COPIES = "loaded_library"


def fill_library() -> None:
    """Fill the tables, which must be empty."""
    if _has_copies():
        with transaction.atomic():
            _run("INSERT INTO {table} ({columns}) SELECT {columns} FROM {copy}")
            note_library_change()
    else:
        load_library()


def keep_copies() -> None:
    """Load the library for the first time in a process, outside a test's transaction."""
    if not _has_copies():
        load_library()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA {COPIES}")
            _run("CREATE TABLE {copy} AS SELECT {columns} FROM {table}")
        empty_library()


@transaction.atomic
def empty_library() -> None:
    note_library_change()
    Module.objects.all().delete()
    Briefing.objects.all().delete()
    LessonWord.objects.all().delete()


def _has_copies() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [COPIES])
        return bool(cursor.fetchone()[0])


def _run(statement: str) -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for model in MODELS:
            columns = (
                quote(field.column)
                for field in model._meta.concrete_fields
                if field.column and not field.generated
            )
            table = model._meta.db_table
            cursor.execute(
                statement.format(
                    table=quote(table), copy=f"{COPIES}.{quote(table)}", columns=", ".join(columns)
                )
            )
