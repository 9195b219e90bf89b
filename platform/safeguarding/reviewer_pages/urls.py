from django.urls import path

from safeguarding.reviewer_pages import drill, incident, queue, report, schedule, switch

app_name = "review"
urlpatterns = [
    path("", queue.queue, name="queue"),
    path("on-call", schedule.on_call, name="on_call"),
    path("on-call/<int:shift_id>/delete", schedule.delete_shift, name="delete_shift"),
    path("settings", switch.switch, name="switch"),
    path("settings/off", switch.switch_off, name="switch_off"),
    path("report", report.report, name="report"),
    path("report/<int:year>.csv", report.csv, name="report_csv"),
    path("report/<int:year>.pdf", report.pdf, name="report_pdf"),
    path("drill", drill.start, name="start_drill"),
    path("<uuid:incident_id>", incident.incident, name="incident"),
    path("<uuid:incident_id>/excerpt", incident.excerpt, name="excerpt"),
    path("<uuid:incident_id>/context", incident.context, name="context"),
    path("<uuid:incident_id>/adult", incident.adult, name="adult"),
    path("<uuid:incident_id>/act", incident.act, name="act"),
    path("<uuid:incident_id>/drill", drill.act, name="drill_act"),
]
