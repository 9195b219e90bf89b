import os

from celery import Celery

app = Celery("stub", broker=os.environ["VALKEY_URL"])
app.conf.beat_schedule = {}
