"""The permission table: what each role gets from every route. A route without a row here fails.

`pytest -m matrix` runs only this. The columns are those of `world.ROLES`: a visitor, a teen, their parent, a teen and a
parent of another family, staff without permissions, an admin. The objects in the URLs belong to the teen and the
parent. "in" redirects to the sign-in page, 302 means that the action was done, and 404 hides that the object exists.
A trusted adult has no account, and so no column: see tests/families/test_trusted_adult.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponseBase
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import DjangoDbBlocker

from accounts.models import Person, Role
from tests.emptying import empty_tables
from tests.matrix.forms import IN_JSON, JSON, build_form
from tests.matrix.routes import routes
from tests.matrix.world import ROLES, World, create_world

pytestmark = [pytest.mark.matrix, pytest.mark.django_db]

# The results of GET and of POST.
ROWS = {
    # The sign-in pages of django-allauth. A 302 from a second step's page asks for the password again.
    "account_change_password": ("in 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "account_confirm_email": ("200 200 200 200 200 200 200", "404 404 404 404 404 404 404"),
    "account_email": ("in 404 200 404 200 200 200", "in 404 302 404 302 302 302"),
    "account_email_verification_sent": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "account_inactive": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "account_login": ("200 302 302 302 302 302 302", "200 302 302 302 302 302 302"),
    "account_logout": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "account_reauthenticate": ("in 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "account_reset_password": ("200 200 200 200 200 200 200", "200 200 200 200 200 200 200"),
    "account_reset_password_done": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "account_reset_password_from_key": ("200 200 200 200 200 200 200", "200 200 200 200 200 200 200"),
    "account_reset_password_from_key_done": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "account_set_password": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "account_signup": ("200 302 302 302 302 302 302", "200 302 302 302 302 302 302"),
    "mfa_activate_totp": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_add_webauthn": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_authenticate": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_deactivate_totp": ("in 404 404 404 404 404 404", "in 404 404 404 404 404 404"),
    "mfa_download_recovery_codes": ("in 404 404 404 404 404 404", "in 404 404 404 404 404 404"),
    "mfa_edit_webauthn": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_generate_recovery_codes": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_index": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "mfa_list_webauthn": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "mfa_login_webauthn": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_reauthenticate": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_reauthenticate_webauthn": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_remove_webauthn": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "mfa_view_recovery_codes": ("in 404 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "about": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "privacy:data": ("in 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "privacy:download": ("405 405 405 405 405 405 405", "in 200 200 200 200 200 200"),
    "privacy:erase": ("405 405 405 405 405 405 405", "in 422 422 422 422 422 422"),
    "privacy:erased": ("200 302 302 302 302 302 302", "405 405 405 405 405 405 405"),
    "accounts:account": ("in 200 200 200 200 200 200", "in 422 422 422 422 422 422"),
    "accounts:end_other_sessions": ("405 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "accounts:end_session": ("405 405 405 405 405 405 405", "in 404 404 404 404 404 404"),
    "accounts:unsent_form": ("in 302 302 302 302 302 302", "in 302 302 302 302 302 302"),
    "accounts:passkey": ("200 302 302 302 302 302 302", "405 405 405 405 405 405 405"),
    "accounts:sessions": ("in 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "accounts:sign_up": ("200 302 302 302 302 302 302", "200 302 302 302 302 302 302"),
    "accounts:teen_sign_up": ("200 302 302 302 302 302 302", "422 302 302 302 302 302 302"),
    "accounts:sign_in": ("200 302 302 302 302 302 302", "200 302 302 302 302 302 302"),
    "accounts:sign_out": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "briefings:archive": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "briefings:briefing": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "briefings:feed": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "briefings:year": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "budgets:own": ("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "chat_api:conversation_turns": ("401 200 404 404 404 404 404", "401 405 405 405 405 405 405"),
    "chat_api:conversations": ("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "chat_api:end_pause": ("401 405 405 405 405 405 405", "401 204 204 204 204 204 204"),
    "chat_api:memory": ("401 200 404 404 404 404 404", "401 405 405 405 405 405 405"),
    "chat_api:note": ("401 405 405 405 405 405 405", "401 405 405 405 405 405 405"),
    "chat_api:spanning_memory": ("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "chat_api:plan": ("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "chat_api:turn": ("401 200 404 404 404 404 404", "401 405 405 405 405 405 405"),
    "chat_api:turn_continue": ("401 405 405 405 405 405 405", "401 409 404 404 404 404 404"),
    "chat_api:turn_follow_up": ("401 405 405 405 405 405 405", "401 201 404 404 404 404 404"),
    "chat_api:turn_quiz": ("401 405 405 405 405 405 405", "401 200 404 404 404 404 404"),
    "chat_api:turn_check_in": ("401 405 405 405 405 405 405", "401 200 404 404 404 404 404"),
    "chat_api:turn_report": ("401 405 405 405 405 405 405", "401 200 404 404 404 404 404"),
    "chat_api:turn_events": ("401 200 404 404 404 404 404", "401 405 405 405 405 405 405"),
    "chat_api:turn_stop": ("401 405 405 405 405 405 405", "401 202 404 404 404 404 404"),
    "chat_api:tutor": ("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "chat_api:turns": ("401 405 405 405 405 405 405", "401 201 201 201 201 201 201"),
    "chat:ask": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "chat:ask_in": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:conversation": ("in 200 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "chat:conversations": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "chat:delete": ("in 200 404 404 404 404 404", "in 302 404 404 404 404 404"),
    "chat:forget": ("in 200 404 404 404 404 404", "in 302 404 404 404 404 404"),
    "chat:download": ("in 200 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "chat:end_pause": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "chat:memory": ("in 200 404 404 404 404 404", "in 302 404 404 404 404 404"),
    "chat:parent_view": ("in 404 200 404 404 404 404", "in 405 405 405 405 405 405"),
    "chat:plan": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "chat:printed": ("in 200 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "chat:rename": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:start": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "chat:turn_check_in": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_continue": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:quiz_on_lesson": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "chat:turn_follow_up": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_quiz": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_report": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_report_withdraw": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_retry": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_stop": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "chat:turn_stream": ("401 200 404 404 404 404 404", "405 405 405 405 405 405 405"),
    "courses:answer": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "certificates:check": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:calculator": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:certificate": ("200 200 200 200 200 200 200", "422 422 422 422 422 422 422"),
    "courses:certificate_pdf": ("in 200 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "courses:certificate_withdraw": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "courses:lesson": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:lesson_done": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "courses:module": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:modules": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:quiz": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:search": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "courses:joint_module_agree": ("in 405 405 405 405 405 405", "in 302 302 404 404 404 404"),
    "courses:joint_module_end": ("in 405 405 405 405 405 405", "in 302 302 404 404 404 404"),
    "courses:sheet": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "desk:invite": ("405 405 405 405 405 405 405", "302 302 302 302 302 403 302"),
    "desk:member": ("302 302 302 302 302 403 200", "302 302 302 302 302 403 302"),
    "desk:revoke": ("405 405 405 405 405 405 405", "302 302 302 302 302 403 302"),
    "desk:team": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "joining:accept": ("in 405 405 405 405 405 405", "in 422 422 422 422 422 422"),
    "joining:join": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "desk:first_run": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "desk:costs": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "desk:costs_csv": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "desk:forecast": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "desk:forecast_csv": ("302 302 302 302 302 403 200", "405 405 405 405 405 405 405"),
    "desk:health": ("302 302 302 302 302 200 200", "405 405 405 405 405 405 405"),
    "events:invite_guest": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:calendar": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:captions": ("404 404 404 404 404 404 404", "405 405 405 405 405 405 405"),
    "events:feed": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:feed_new": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "events:feed_stop": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "events:mine": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "events:own_feed": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:feedback": ("302 302 302 302 302 302 302", "302 302 302 302 302 302 302"),
    "events:come_along": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:join": ("302 302 302 302 302 302 302", "405 405 405 405 405 405 405"),
    "events:confirm": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:event": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:leave": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:left": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:email_preference": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:list": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:own_calendar": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:own_sign_up": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "events:sign_up": ("302 302 302 302 302 302 302", "302 302 302 302 302 302 302"),
    "events:unsubscribe": ("302 302 302 302 302 302 302", "200 200 200 200 200 200 200"),
    "events:accept_offer": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:dates": ("405 405 405 405 405 405 405", "422 422 422 422 422 422 422"),
    "events:undo_leave": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:rejoin_waitlist": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "events:signed_up": ("302 302 302 302 302 302 302", "405 405 405 405 405 405 405"),
    "families:accept": ("in 405 405 405 405 405 405", "in 422 422 302 422 422 422"),
    "families:consent_record": ("in 200 404 404 404 404 404", "in 405 405 405 405 405 405"),
    "families:agreement": ("in 200 200 404 404 404 404", "in 302 302 404 404 404 404"),
    "families:answer": ("in 405 405 405 405 405 405", "in 302 302 404 404 404 404"),
    "families:consent": ("in 200 404 200 404 404 404", "in 302 404 302 404 404 404"),
    "families:consent_for": ("in 404 200 404 404 404 404", "in 404 302 404 404 404 404"),
    "families:data": ("in 404 200 404 200 404 404", "in 405 405 405 405 405 405"),
    "families:data_answer": ("in 405 405 405 405 405 405", "in 404 404 404 404 404 404"),
    "families:data_download": ("in 405 405 405 405 405 405", "in 404 200 404 200 404 404"),
    "families:data_erase": ("in 405 405 405 405 405 405", "in 404 422 404 422 404 404"),
    "families:data_keep": ("in 405 405 405 405 405 405", "in 404 302 404 302 404 404"),
    "families:decline": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "families:end": ("in 200 200 404 404 404 404", "in 302 302 404 404 404 404"),
    "families:evidence": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "families:family": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "families:invite": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "families:join": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "families:parent_views": ("in 200 404 200 404 404 404", "in 405 405 405 405 405 405"),
    "families:notices": ("in 200 200 200 200 200 200", "in 405 405 405 405 405 405"),
    "families:password_ask": ("200 302 302 302 302 302 302", "422 302 302 302 302 302 302"),
    "families:password_give": ("in 404 200 404 404 404 404", "in 404 422 404 404 404 404"),
    "families:password_wait": ("302 302 302 302 302 302 302", "302 302 302 302 302 302 302"),
    "families:confirm_zone": ("in 405 405 405 405 405 405", "in 404 302 404 404 404 404"),
    "families:pause": ("in 405 405 405 405 405 405", "in 404 302 404 404 404 404"),
    "families:sealed": ("in 200 404 200 404 404 404", "in 422 404 422 404 404 404"),
    "families:withdraw": ("in 405 405 405 405 405 405", "in 302 302 302 302 302 302"),
    "families:trusted_adult": ("in 200 404 200 404 404 404", "in 302 404 302 404 404 404"),
    "healthz": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "home": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "labs:index": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "labs:memory-price": ("200 200 200 200 200 200 200", "200 200 200 200 200 200 200"),
    "labs:sure-and-wrong": ("200 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "labs:voices": ("200 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "labs:where-from": ("200 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "labs:tokens": ("200 200 200 200 200 200 200", "200 200 200 200 200 200 200"),
    "labs:what-comes-next": ("200 200 200 200 200 200 200", "in 200 200 200 200 200 200"),
    "language": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "metrics": ("404 404 404 404 404 404 404", "405 405 405 405 405 405 405"),
    "mail:attachment": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "mail:outbox": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "mail:email": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "privacy": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "rest:problems": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "rest:schema": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "review:act": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 302"),
    "review:adult": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 409"),
    "review:context": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 409"),
    "review:drill_act": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 302"),
    "review:delete_shift": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 302"),
    "review:excerpt": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 200"),
    "review:incident": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 405"),
    "review:on_call": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 302"),
    "review:queue": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 405"),
    "review:report": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 405"),
    "review:report_csv": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 405"),
    "review:report_pdf": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 405"),
    "review:start_drill": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 302"),
    "review:switch": ("in 404 404 404 404 404 200", "in 404 404 404 404 404 422"),
    "review:switch_off": ("in 404 404 404 404 404 405", "in 404 404 404 404 404 302"),
    "safeguarding:answer": ("in 405 405 405 405 405 405", "in 302 404 404 404 404 404"),
    "safeguarding:come_back": ("405 405 405 405 405 405 405", "302 302 302 302 302 302 302"),
    "safeguarding:help_now": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "safeguarding:leave": ("302 302 302 302 302 302 302", "405 405 405 405 405 405 405"),
    "safeguarding:mine": ("in 200 404 200 404 404 404", "in 405 405 405 405 405 405"),
    "safeguarding:offline": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "safeguarding:protocol": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "safeguarding:service_worker": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
    "using": ("200 200 200 200 200 200 200", "405 405 405 405 405 405 405"),
}
# The results of the API's other methods, with what they send. A teen of a family needs its agreement for "put".
API_ROWS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("chat_api:memory", "patch"): ("401 200 404 404 404 404 404", {"has_memory": False}),
    ("chat_api:memory", "delete"): ("401 204 404 404 404 404 404", {}),
    ("chat_api:note", "patch"): ("401 200 404 404 404 404 404", {"text": "It is two."}),
    ("chat_api:note", "delete"): ("401 204 404 404 404 404 404", {}),
    ("chat_api:spanning_memory", "put"): ("401 403 204 403 204 204 204", {}),
    ("chat_api:spanning_memory", "delete"): ("401 204 204 204 204 204 204", {}),
    ("chat_api:turn_report", "delete"): ("401 204 404 404 404 404 404", {}),
}
# Admin pages other than lists and forms of models, with their arguments: values, or names of the world's ids.
ADMIN_ROWS = {
    "courses_module_previews": ([], "302 302 302 302 302 403 200", "302 302 302 302 302 403 405"),
    "courses_module_preview": (
        ["en/good-and-bad/quiz.md"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 200",
    ),
    "routing_tutormodel_try_it": (
        ["tutor_model_id"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 200",
    ),
    "routing_tutormodel_capabilities": (
        ["tutor_model_id"],
        "302 302 302 302 302 405 405",
        "302 302 302 302 302 403 302",
    ),
    "routing_tutormodel_prices": (
        ["tutor_model_id"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 200",
    ),
    "budgets_budget_site": ([], "302 302 302 302 302 403 302", "302 302 302 302 302 405 405"),
    "budgets_budget_stop": ([], "302 302 302 302 302 403 200", "302 302 302 302 302 403 200"),
    "budgets_budget_near_edge": ([], "302 302 302 302 302 403 200", "302 302 302 302 302 405 405"),
    "budgets_budgetowner_change": (
        ["person_id"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 200",
    ),
    "budgets_budget_change": (
        ["family_budget_id"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 200",
    ),
    "budgets_grant_add": ([], "302 302 302 302 302 403 302", "302 302 302 302 302 403 302"),
    "budgets_grant_file": ([], "302 302 302 302 302 403 200", "302 302 302 302 302 403 200"),
    "budgets_grant_file_preview": (
        ["grant_batch_id"],
        "302 302 302 302 302 403 200",
        "302 302 302 302 302 403 302",
    ),
    "budgets_grant_csv": ([], "302 302 302 302 302 403 200", "302 302 302 302 302 405 405"),
}
# Tested in tests/config: it checks every service, which takes seconds, and answers all roles alike.
APART = {"readyz"}


@pytest.fixture(scope="module")
def _world_for_a_file(_library_for_a_file: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("mail.nudge.send", lambda _mail_id: None)
        world = create_world()
        for role in ROLES:
            world.client_to_roll_back(role)
        yield world
        empty_tables()


@pytest.fixture
def world(db: None, _world_for_a_file: World) -> World:
    """The world, created once per file, with people as they are in the database: each test is rolled back."""
    for person in _world_for_a_file.people.values():
        person.refresh_from_db()
    return _world_for_a_file


def describe_reply(reply: HttpResponseBase) -> str:
    leads_in = reply.status_code == 302 and reply.headers["Location"].startswith("/sign-in")
    return "in" if leads_in else str(reply.status_code)


def done(
    world: World, method: str, address: str, form: Mapping[str, Any] | None = None, **how: Any
) -> dict[str, str]:
    """Return what each role gets. Each role's request is rolled back before the next."""
    did = {}
    for role in ROLES:
        client = world.client_to_roll_back(role)
        with transaction.atomic():
            reply = getattr(client, method)(address, (form or {}).get(role), **how)
            did[role] = describe_reply(reply)
            # Not reply.close(), which would close this test's database connection.
            for close in reply._resource_closers:
                close()
            transaction.set_rollback(True)
    return did


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(routes()) == set(ROWS) | APART


@pytest.mark.parametrize("name", sorted(ROWS))
def test_who_may_do_what(name: str, world: World) -> None:
    address = world.address(name, routes()[name])
    for method, expected in zip(("get", "post"), ROWS[name], strict=True):
        form = {role: build_form(name, world) if method == "post" else None for role in ROLES}
        how = JSON if name in IN_JSON else {}
        assert done(world, method, address, form, **how) == dict(zip(ROLES, expected.split(), strict=True)), (
            f"{method} {address}"
        )


def list_api_methods(world: World) -> set[tuple[str, str]]:
    """Return the routes of the API with each method that they answer besides GET and POST."""
    views = {
        name: getattr(resolve(world.address(name, arguments)).func, "cls", None)
        for name, arguments in routes().items()
    }
    return {
        (name, method)
        for name, view in views.items()
        for method in ("put", "patch", "delete")
        if hasattr(view, method)
    }


def test_every_other_method_of_the_api_has_a_row(world: World) -> None:
    assert set(API_ROWS) == list_api_methods(world)


@pytest.mark.parametrize(("name", "method"), API_ROWS)
def test_who_may_do_what_in_the_api(name: str, method: str, world: World) -> None:
    expected, body = API_ROWS[name, method]
    address = world.address(name, routes()[name])
    form = dict.fromkeys(ROLES, body)
    assert done(world, method, address, form, **JSON) == dict(zip(ROLES, expected.split(), strict=True))


@pytest.mark.parametrize("name", ADMIN_ROWS)
def test_who_may_do_what_in_the_admin(name: str, world: World) -> None:
    given, *rows = ADMIN_ROWS[name]
    address = reverse(f"admin:{name}", args=[world.ids.get(arg, arg) for arg in given])
    for method, expected in zip(("get", "post"), rows, strict=True):
        assert done(world, method, address) == dict(zip(ROLES, expected.split(), strict=True)), method


@pytest.mark.parametrize("role", ["teen", "other_parent", "other_teen", "staff", "admin"])
@pytest.mark.parametrize("page", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
def test_another_persons_passkey_cannot_be_reached(role: str, page: str, world: World) -> None:
    key = Authenticator.objects.create(
        user=world.people["parent"], type="webauthn", data={"name": "Sam’s telephone"}
    )
    person = world.people[role]
    person.set_password("a-long-password")
    person.save()
    client = world.client(role)
    client.post("/account/reauthenticate/", {"password": "a-long-password"})
    address = reverse(page, args=[key.pk])
    assert client.get(address).status_code == 404
    assert client.post(address, {"name": "Mine"}).status_code == 404
    key.refresh_from_db()
    assert key.data == {"name": "Sam’s telephone"}


def staff_client() -> tuple[Person, Client]:
    person = Person.objects.create(username=uuid4().hex, role=Role.ADMIN, is_staff=True)
    client = Client()
    client.force_login(person)
    return person, client


IN_THE_ADMIN: list[type[Model]] = sorted(admin.site._registry, key=str)


@pytest.mark.parametrize("model", IN_THE_ADMIN, ids=str)
def test_staff_see_in_the_admin_what_they_were_given_and_nothing_else(model: type[Model]) -> None:
    person, client = staff_client()
    options = model._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    assert client.get(address).status_code == 403
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    person.user_permissions.add(
        Permission.objects.get(content_type=kind, codename=f"view_{options.model_name}")
    )
    assert client.get(address).status_code == 200
    for other in IN_THE_ADMIN:
        if other is model:
            continue
        path = reverse(f"admin:{other._meta.app_label}_{other._meta.model_name}_changelist")
        assert client.get(path).status_code == 403, path


def admin_page(model: type[Model], page: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


@pytest.mark.parametrize("action", ["view", "add", "change", "delete"])
@pytest.mark.parametrize("model", IN_THE_ADMIN, ids=str)
def test_each_permission_opens_its_own_page_and_no_other(model: type[Model], action: str) -> None:
    """If an admin with every permission may not do something, such as add to the ledger, no one may."""
    person, client = staff_client()
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    codename = f"{action}_{model._meta.model_name}"
    person.user_permissions.add(Permission.objects.get(content_type=kind, codename=codename))
    everything = Client()
    everything.force_login(
        Person.objects.create(username="all", role=Role.ADMIN, is_staff=True, is_superuser=True)
    )
    # With permission to add people, an admin could create a superuser; Django therefore requires change as well.
    opens = action == "add" and model is not Person
    may_add = everything.get(admin_page(model, "add")).status_code if opens else 403
    assert client.get(admin_page(model, "add")).status_code == may_add
    listed = client.get(admin_page(model, "changelist")).status_code
    assert listed == (200 if action in {"view", "change"} else 403)


@pytest.mark.parametrize("role", ["teen", "parent"])
def test_only_staff_can_open_the_admin(role: str) -> None:
    client = Client()
    client.force_login(Person.objects.create(username=f"another-{role}", role=role))
    assert client.get("/admin/").status_code == 302
