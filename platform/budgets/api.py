from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from budgets.models import BudgetScope
from budgets.selectors import Meter, get_meter
from rest.schema import describe_responses
from rest.views import SignedInView


class MeterSerializer(serializers.Serializer[Meter]):
    """A budget in the current period, in tokens. A token is a piece of a word. Questions and answers both count.

    Null means no limit.
    """

    granted = serializers.IntegerField(allow_null=True)
    spent = serializers.IntegerField()
    held = serializers.IntegerField(help_text="Set aside for answers that are being written.")
    left = serializers.IntegerField(
        allow_null=True,
        help_text="What can be used now, after the limits of the family’s and the site’s budgets.",
    )
    short_answers = serializers.IntegerField(
        allow_null=True, help_text="About how many short answers are left."
    )
    scope = serializers.ChoiceField(BudgetScope.choices, help_text="Whose budget has the least left.")
    refills_at = serializers.DateTimeField(help_text="When that budget refills.")
    stop_reason = serializers.SerializerMethodField(
        help_text="Why an admin has stopped the tutor on the whole site, for people to read; null while it answers."
    )

    def get_stop_reason(self, meter: Meter) -> str | None:
        return meter.stop.reason if meter.stop else None


class OwnBudget(SignedInView):
    @extend_schema(operation_id="budget_read", responses=describe_responses({200: MeterSerializer}))
    def get(self, request: Request) -> Response:
        """Your budget."""
        return Response(MeterSerializer(get_meter(owner=self.person)).data)
