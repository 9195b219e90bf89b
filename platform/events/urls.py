from django.urls import path

from events.views import feeds, leaving, own_sign_up, pages, signing_up

app_name = "events"
urlpatterns = [
    path("", pages.events, name="list"),
    path("calendar.ics", feeds.feed, name="feed"),
    path("mine", feeds.mine, name="mine"),
    path("mine/new-address", feeds.feed_new, name="feed_new"),
    path("mine/end", feeds.feed_stop, name="feed_stop"),
    path("mine/<slug:token>.ics", feeds.own_feed, name="own_feed"),
    path("place/<slug:token>", own_sign_up.sign_up_page, name="place"),
    path("place/<slug:token>/confirm", own_sign_up.confirm, name="confirm"),
    path("place/<slug:token>/dates", own_sign_up.dates, name="dates"),
    path("place/<slug:token>/take", own_sign_up.accept_offer, name="take"),
    path("place/<slug:token>/wait", own_sign_up.rejoin_waitlist, name="wait"),
    path("place/<slug:token>/bring", own_sign_up.invite_guest, name="bring"),
    path("place/<slug:token>/come-in", own_sign_up.join, name="come_in"),
    path("place/<slug:token>/calendar.ics", own_sign_up.calendar, name="own_calendar"),
    path("place/<slug:token>/feedback", own_sign_up.feedback, name="feedback"),
    path("place/<slug:token>/leave", leaving.leave, name="leave"),
    path("place/<slug:token>/letters", leaving.email_preference, name="letters"),
    path("place/<slug:token>/stop", leaving.unsubscribe, name="stop"),
    path("<slug:slug>", pages.event, name="event"),
    path("<slug:slug>/with/<str:key>", pages.come_along, name="come_along"),
    path("<slug:slug>/sign-up", signing_up.sign_up, name="sign_up"),
    path("<slug:slug>/signed-up", signing_up.signed_up, name="signed_up"),
    path("<slug:slug>/calendar.ics", pages.calendar, name="calendar"),
    path("<slug:slug>/captions.vtt", pages.captions, name="captions"),
    path("<slug:slug>/left/undo", leaving.undo_leave, name="undo_leave"),
    path("<slug:slug>/left", leaving.left, name="left"),
]
