"""Sign in, sign out and reset a password by email. Rate-limited pages say how long to wait (ADR 45)."""

from typing import Any

from allauth.account import views as allauth_views
from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.views.generic.edit import FormView

from accounts import limits
from accounts.demo import DEMO_PEOPLE
from accounts.forms import SignInForm
from kit.rate_limits import RateLimited, format_rate_limited, mark_rate_limited, skip_validation


def render_rate_limited(view: "FormView[Any]", limited: RateLimited) -> HttpResponse:
    """Render the view's page again with what was typed and how long to wait."""
    page = view.get_context_data(form=skip_validation(view.get_form()), error=format_rate_limited(limited))
    return mark_rate_limited(view.render_to_response(page), limited)


class SignIn(allauth_views.LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        login, password = request.POST.get("username", ""), request.POST.get("password", "")
        if login.strip() and password:
            self.current_try = limits.SignInAttempt(request, login)
            try:
                self.current_try.begin()
            except RateLimited as error:
                return render_rate_limited(self, error)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: SignInForm) -> HttpResponse:
        self.current_try.succeed()
        response: HttpResponse = super().form_valid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = DEMO_PEOPLE if settings.DEMO else ()
        return {**super().get_context_data(**kwargs), "demo_people": people}


class SignOut(allauth_views.LogoutView):
    http_method_names = ["post", "options"]


class PasswordReset(allauth_views.PasswordResetView):
    def form_valid(self, form: Form) -> HttpResponse:
        """Email a link, within the limits per network and per address."""
        try:
            limits.reset_requests.hit(self.request)
            limits.count_email(limits.reset_emails, form.cleaned_data["email"])
        except RateLimited as error:
            return render_rate_limited(self, error)
        response: HttpResponse = super().form_valid(form)
        return response
