from django.db import migrations

from accounts.secrets import seal, unseal

# Every token of Fernet's begins so: version 0x80 and the first bytes of a time before 2106.
SEALED = "gAAAA"


def seal_all(apps, schema_editor):
    for step in apps.get_model("mfa", "Authenticator").objects.filter(type__in=["totp", "recovery_codes"]):
        name = "secret" if step.type == "totp" else "seed"
        if name in step.data and not step.data[name].startswith(SEALED):
            step.data[name] = seal(step.data[name])
            step.save(update_fields=["data"])


def unseal_all(apps, schema_editor):
    for step in apps.get_model("mfa", "Authenticator").objects.filter(type__in=["totp", "recovery_codes"]):
        name = "secret" if step.type == "totp" else "seed"
        if step.data.get(name, "").startswith(SEALED):
            step.data[name] = unseal(step.data[name])
            step.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sealed_before"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(seal_all, unseal_all)]
