from django.urls import path

from safeguarding import offline, quick_exit, teen_views, views

app_name = "safeguarding"
urlpatterns = [
    path("now", views.help_now, name="help_now"),
    path("protocol", views.protocol, name="protocol"),
    path("mine", teen_views.mine, name="mine"),
    path("mine/<uuid:incident_id>/answer", teen_views.answer, name="answer"),
    path("leave", quick_exit.leave, name="leave"),
    path("back", quick_exit.come_back, name="come_back"),
    path("offline/<str:language>", offline.page, name="offline"),
    path("service-worker.js", offline.service_worker, name="service_worker"),
]
