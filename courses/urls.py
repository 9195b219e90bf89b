from django.urls import path

from courses import calculator, views
from courses.certificates import views as certificates
from courses.learning import views as joint_modules

app_name = "courses"
urlpatterns = [
    path("", views.modules, name="modules"),
    path("search", views.search, name="search"),
    path("calculator", calculator.calculator, name="calculator"),
    path("<slug:module>", views.module, name="module"),
    path("<slug:module>/quiz", views.quiz, name="quiz"),
    path("<slug:module>/quiz/<slug:question>", views.answer, name="answer"),
    path("<slug:module>/print", views.sheet, name="sheet"),
    path("<slug:module>/certificate", certificates.certificate, name="certificate"),
    path("<slug:module>/certificate/pdf", certificates.pdf, name="certificate_pdf"),
    path("<slug:module>/certificate/withdraw", certificates.withdraw, name="certificate_withdraw"),
    path("<slug:module>/together/<uuid:link_id>", joint_modules.agree, name="joint_module_agree"),
    path("<slug:module>/together/<uuid:link_id>/end", joint_modules.end, name="joint_module_end"),
    path("<slug:module>/<slug:lesson>", views.lesson, name="lesson"),
    path("<slug:module>/<slug:lesson>/done", views.lesson_done, name="lesson_done"),
]
