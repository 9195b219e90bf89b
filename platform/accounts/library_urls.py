"""The pages that are django-allauth's own, under its own names, and our pages under the names it looks for."""

from allauth.account.urls import urlpatterns as account_pages
from django.urls import include, path

from accounts import sign_in_views, views

# Ours stand in their place, or nothing leads to them.
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
    path("sign-up", views.SignUp.as_view(), name="account_signup"),
    path("account/password/reset/", sign_in_views.PasswordReset.as_view(), name="account_reset_password"),
    path("account/email/", views.Email.as_view(), name="account_email"),
    path(
        "account/",
        include([page for page in account_pages if page.name not in EXCLUDED_ROUTES]),
    ),
    path("account/second-step/", include("allauth.mfa.urls")),
]
