from django.urls import path

from accounts import data_views, views

app_name = "accounts"
urlpatterns = [
    path("sign-in", views.SignIn.as_view(), name="sign_in"),
    path("sign-out", views.SignOut.as_view(), name="sign_out"),
    path("account/data", data_views.data, name="data"),
    path("account/data/download", data_views.download, name="data_download"),
    path("account/data/erase", data_views.erase, name="data_erase"),
    path("account/erased", data_views.erased, name="erased"),
]
