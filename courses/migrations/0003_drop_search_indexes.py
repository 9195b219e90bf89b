from django.db import migrations


class Migration(migrations.Migration):
    """Search reads whole tables, once for each version of the library (ADR 56)."""

    dependencies = [("courses", "0002_libraryversion")]
    operations = [
        migrations.RemoveIndex(model_name="lessonword", name="lesson_word_lexeme"),
        migrations.RemoveIndex(model_name="lessonword", name="lesson_word_trigrams"),
        migrations.RemoveIndex(model_name="passage", name="passage_search"),
        migrations.RemoveIndex(model_name="phrase", name="phrase_search"),
    ]
