"""One try to deliver, out: the same for mails and for webhooks."""

from marshmallow import Schema, fields


class AttemptOut(Schema):
    """One try to deliver a mail or a webhook."""

    number = fields.Integer(required=True)
    started_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    verdict = fields.String(
        required=True, metadata={"description": "`unknown`: whoever sent it died before the answer was written down."}
    )
    status = fields.Integer(required=True, allow_none=True, metadata={"description": "Of HTTP or SMTP."})
    address = fields.String(required=True, allow_none=True, metadata={"description": "That was spoken to."})
    answer = fields.String(required=True, allow_none=True)
