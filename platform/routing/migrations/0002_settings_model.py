from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def create_settings_model(apps: Apps, _schema: BaseDatabaseSchemaEditor) -> None:
    """Create the row that stands for the model of the TUTOR_* variables (routing.models)."""
    apps.get_model("routing", "TutorModel").objects.get_or_create(
        is_from_settings=True, defaults={"name": "Tutor", "position": 20}
    )


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]
    operations = [migrations.RunPython(create_settings_model, migrations.RunPython.noop)]
