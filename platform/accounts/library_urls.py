"""django-allauth's pages under its URL names, and our pages under the URL names that allauth expects."""

from allauth.account.urls import urlpatterns as account_pages
from django.urls import include, path

from accounts import sign_in_views, views

# We replace these, or don't link to them.
EXCLUDED_ROUTES = {
    "account_login",
    "account_logout",
    "account_signup",
    "account_email",
    "account_reset_password",
    "account_confirm_login_code",
}

urlpatterns = [
    path("sign-in", sign_in_views.SignIn.as_view(), name="account_login"),
    path("sign-out", sign_in_views.SignOut.as_view(), name="account_logout"),
    path("sign-up", views.AccountSignUp.as_view(), name="account_signup"),
    path("account/password/reset/", sign_in_views.PasswordReset.as_view(), name="account_reset_password"),
    path("account/email/", views.AccountEmail.as_view(), name="account_email"),
    path(
        "account/",
        include([page for page in account_pages if page.name not in EXCLUDED_ROUTES]),
    ),
    path("account/second-step/", include("allauth.mfa.urls")),
]
