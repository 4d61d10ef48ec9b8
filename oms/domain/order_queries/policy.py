"""The concept's refusal reasons."""

from oms.domain.vocabulary.errors import Code, Reason


class SearchReason(Reason):
    """Why a list of orders is refused."""

    TOO_MANY_WORDS = Code.INVALID, "The text to search for has more words than a search takes."
    SEARCH_HAS_NO_SORT = (
        Code.INVALID,
        "Search results are always newest first, so `sort` cannot be combined with `search`.",
    )
    TOO_MANY_TO_SORT = Code.INVALID, "Orders are sorted by their total only if the filter leaves at most 10,000."
