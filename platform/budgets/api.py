from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from budgets.selectors import Meter, meter
from rest.schema import answers
from rest.views import SignedInView


class MeterSerializer(serializers.Serializer[Meter]):
    """A budget now, in tokens. A token is a piece of a word; questions and answers are both counted."""

    granted = serializers.IntegerField()
    spent = serializers.IntegerField()
    held = serializers.IntegerField(help_text="Set aside for answers that are being written.")
    left = serializers.IntegerField()
    short_answers = serializers.IntegerField(help_text="About how many short answers are left.")
    refills_at = serializers.DateTimeField()


class OwnBudget(SignedInView):
    @extend_schema(operation_id="budget_read", responses=answers({200: MeterSerializer}))
    def get(self, request: Request) -> Response:
        """Your budget."""
        return Response(MeterSerializer(meter(owner=self.person)).data)
