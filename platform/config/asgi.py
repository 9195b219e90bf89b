import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

import encoders  # noqa: E402
import guard  # noqa: E402
from config.handler import Handler  # noqa: E402 - once Django is set up

guard.get_ready()
encoders.get_ready()
application = Handler()
