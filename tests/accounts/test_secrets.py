"""Secrets of second steps are unreadable in a stolen database."""

import json
import logging

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from pytest_django import Settings

from accounts.models import Person
from accounts.second_factor import SecretLost, decrypt_secret, encrypt_secret
from tests.accounts.test_second_factor import get_current_code

SECRET = "JBSWY3DPEHPK3PXP"


def test_the_database_holds_only_encrypted_secrets(parent: Person) -> None:
    TOTP.activate(parent, SECRET)
    codes = RecoveryCodes.activate(parent).get_unused_codes()
    kept = json.dumps([step.data for step in Authenticator.objects.all()])
    assert SECRET not in kept
    assert not [code for code in codes if code in kept]
    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(get_current_code(SECRET))


def test_a_fallback_key_decrypts_what_it_encrypted(settings: Settings) -> None:
    sealed = encrypt_secret(SECRET)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of fifty characters and more, made up here"
    assert decrypt_secret(sealed) == SECRET
    assert decrypt_secret(encrypt_secret(SECRET)) == SECRET


def test_with_a_lost_key_no_code_matches_and_it_is_logged(
    parent: Person, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = encrypt_secret(SECRET)
    TOTP.activate(parent, SECRET)
    settings.SECRET_KEY = "another key of fifty characters and more, made up here"
    with pytest.raises(SecretLost):
        decrypt_secret(sealed)
    with caplog.at_level(logging.ERROR):
        assert not TOTP(Authenticator.objects.get()).validate_code(get_current_code(SECRET))
    assert "SECRET_KEY_FALLBACKS" in caplog.text
