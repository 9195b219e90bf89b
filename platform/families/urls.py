from django.urls import path

from families import views
from families.views import agreement, consent, data, joining, password_help, private

app_name = "families"
urlpatterns = [
    path("", views.family, name="family"),
    path("invite", joining.invite, name="invite"),
    path("invitations/<int:invitation_id>/withdraw", joining.withdraw, name="withdraw"),
    path("join/<slug:token>", joining.join, name="join"),
    path("join/<slug:token>/accept", joining.accept, name="accept"),
    path("join/<slug:token>/decline", joining.decline, name="decline"),
    path("links/<uuid:link_id>/end", joining.end, name="end"),
    path("links/<uuid:link_id>/agreement", agreement.agreement, name="agreement"),
    path("links/<uuid:link_id>/answer", agreement.answer, name="answer"),
    path("links/<uuid:link_id>/zone", agreement.confirm_zone, name="confirm_zone"),
    path("links/<uuid:link_id>/pause", agreement.pause, name="pause"),
    path("consent", consent.own, name="consent"),
    path("links/<uuid:link_id>/consent", consent.for_teen, name="consent_for"),
    path("consents/<int:consent_id>", consent.consent_record, name="consent_record"),
    path("consents.json", consent.evidence, name="evidence"),
    path("data", data.data, name="data"),
    path("data/download", data.download, name="data_download"),
    path("data/erase", data.erase, name="data_erase"),
    path("data/keep", data.keep, name="data_keep"),
    path("data/answer/<int:parent_id>", data.answer, name="data_answer"),
    path("parent-views", private.parent_views, name="parent_views"),
    path("notices", views.notices, name="notices"),
    path("password", password_help.ask, name="password_ask"),
    path("password/code", password_help.wait, name="password_wait"),
    path("links/<uuid:link_id>/password", password_help.give, name="password_give"),
    path("closed", password_help.sealed, name="sealed"),
    path("trusted-adult", private.trusted_adult, name="trusted_adult"),
]
