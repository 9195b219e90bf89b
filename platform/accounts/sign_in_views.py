"""Signing in and out, and a new password by mail; and what a page says that asks to wait (ADR 45)."""

from typing import Any

from allauth.account import views as library
from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.views.generic.edit import FormView

from accounts import limits
from accounts.demo import DEMO_PEOPLE
from accounts.forms import SignInForm
from kit.throttles import TooOften, slowed, too_often_said, unjudged


def render_rate_limited(view: "FormView[Any]", refusal: TooOften) -> HttpResponse:
    """The view's page with what was typed, and how long to wait."""
    page = view.get_context_data(form=unjudged(view.get_form()), trouble=too_often_said(refusal))
    return slowed(view.render_to_response(page), refusal)


class SignIn(library.LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        login, password = request.POST.get("username", ""), request.POST.get("password", "")
        if login.strip() and password:
            self.current_try = limits.SignInAttempt(request, login)
            try:
                self.current_try.begin()
            except TooOften as refusal:
                return render_rate_limited(self, refusal)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: SignInForm) -> HttpResponse:
        self.current_try.succeed()
        response: HttpResponse = super().form_valid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = DEMO_PEOPLE if settings.DEMO else ()
        return {**super().get_context_data(**kwargs), "demo_people": people}


class SignOut(library.LogoutView):
    http_method_names = ["post", "options"]


class PasswordReset(library.PasswordResetView):
    def form_valid(self, form: Form) -> HttpResponse:
        try:
            limits.reset_requests.hit(self.request)
            limits.count_email(limits.reset_emails, form.cleaned_data["email"])
        except TooOften as refusal:
            return render_rate_limited(self, refusal)
        response: HttpResponse = super().form_valid(form)
        return response
