from django.urls import path

from courses import views

app_name = "courses"
urlpatterns = [
    path("", views.modules, name="modules"),
    path("search", views.search, name="search"),
    path("<slug:module>", views.module, name="module"),
    path("<slug:module>/quiz", views.quiz, name="quiz"),
    path("<slug:module>/quiz/<slug:question>", views.answer, name="answer"),
    path("<slug:module>/print", views.sheet, name="sheet"),
    path("<slug:module>/<slug:lesson>", views.lesson, name="lesson"),
    path("<slug:module>/<slug:lesson>/done", views.lesson_done, name="lesson_done"),
]
