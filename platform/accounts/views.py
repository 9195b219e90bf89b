from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse

from accounts.demo import DEMO_PEOPLE
from accounts.throttle import Throttle

tries_at_one_name = Throttle("sign-in name", "10/5minutes")
tries_from_one_place = Throttle("sign-in place", "50/5minutes")


class SignIn(auth_views.LoginView):
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        tries_from_one_place.hit(request.META["REMOTE_ADDR"])
        tries_at_one_name.hit(request.POST.get("username", "").casefold()[:60])
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = DEMO_PEOPLE if settings.DEMO else ()
        return super().get_context_data(demo_people=people, **kwargs)


class SignOut(auth_views.LogoutView):
    http_method_names = ["post", "options"]
