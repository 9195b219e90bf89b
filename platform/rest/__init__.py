"""What every route of the API shares: problems (RFC 9457), the session, the description.

Public: fields, problems, rendering, schema, views.
"""
