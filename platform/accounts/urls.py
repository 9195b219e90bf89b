from django.urls import path

from accounts import sign_in_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in", sign_in_views.SignIn.as_view(), name="sign_in"),
    path("sign-in/unsent-form", views.unsent_form, name="unsent_form"),
    path("sign-in/passkey", views.passkey, name="passkey"),
    path("sign-out", sign_in_views.SignOut.as_view(), name="sign_out"),
    path("sign-up", views.AccountSignUp.as_view(), name="sign_up"),
    path("sign-up/teen", views.teen_sign_up, name="teen_sign_up"),
    path("account/", views.account, name="account"),
    path("account/sessions/", views.sessions, name="sessions"),
    path("account/sessions/others/end", views.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/<int:session_id>/end", views.end_session, name="end_session"),
]
