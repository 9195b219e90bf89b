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
    path("sign-up/<slug:token>", own_sign_up.sign_up_page, name="own_sign_up"),
    path("sign-up/<slug:token>/confirm", own_sign_up.confirm, name="confirm"),
    path("sign-up/<slug:token>/dates", own_sign_up.dates, name="dates"),
    path("sign-up/<slug:token>/accept-offer", own_sign_up.accept_offer, name="accept_offer"),
    path("sign-up/<slug:token>/rejoin-waitlist", own_sign_up.rejoin_waitlist, name="rejoin_waitlist"),
    path("sign-up/<slug:token>/invite-guest", own_sign_up.invite_guest, name="invite_guest"),
    path("sign-up/<slug:token>/join", own_sign_up.join, name="join"),
    path("sign-up/<slug:token>/calendar.ics", own_sign_up.calendar, name="own_calendar"),
    path("sign-up/<slug:token>/feedback", own_sign_up.feedback, name="feedback"),
    path("sign-up/<slug:token>/leave", leaving.leave, name="leave"),
    path("sign-up/<slug:token>/emails", leaving.email_preference, name="email_preference"),
    path("sign-up/<slug:token>/unsubscribe", leaving.unsubscribe, name="unsubscribe"),
    path("<slug:slug>", pages.event, name="event"),
    path("<slug:slug>/with/<str:key>", pages.come_along, name="come_along"),
    path("<slug:slug>/sign-up", signing_up.sign_up, name="sign_up"),
    path("<slug:slug>/signed-up", signing_up.signed_up, name="signed_up"),
    path("<slug:slug>/calendar.ics", pages.calendar, name="calendar"),
    path("<slug:slug>/captions.vtt", pages.captions, name="captions"),
    path("<slug:slug>/left/undo", leaving.undo_leave, name="undo_leave"),
    path("<slug:slug>/left", leaving.left, name="left"),
]
