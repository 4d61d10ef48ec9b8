"""The concept's refusal reasons."""

from oms.domain.vocabulary.errors import Code, Reason


class QuotingReason(Reason):
    """Why there is no quote."""

    PRICES_UNAVAILABLE = Code.CONFLICT, "The billing system, which calculates tax and shipping, does not answer."
    NOT_BILLABLE = Code.INVALID, "The billing system can't bill such an order."
