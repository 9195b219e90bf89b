from django.urls import path

from budgets.api import OwnBudget

app_name = "budgets"
urlpatterns = [path("budget", OwnBudget.as_view(), name="own")]
