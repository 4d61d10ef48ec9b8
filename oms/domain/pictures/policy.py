"""The concept's refusal reasons and audit actions. Who may change the catalogue may change its pictures."""

from oms.domain.vocabulary.audit_action import AuditAction, Values
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.wording import wording


class PictureReason(Reason):
    """Why a picture is refused."""

    NOT_A_PICTURE = Code.INVALID, "The content is no whole PNG, JPEG or WebP picture; SVG is never accepted."
    PICTURE_TOO_LARGE = Code.INVALID, "The picture has too many bytes, or too many pixels."


def _picture(_: str, before: Values, after: Values) -> str:
    if not after.get("picture"):
        return wording("{who} removed the picture of the product {subject}")
    if before.get("picture"):
        return wording("{who} replaced the picture of the product {subject}")
    return wording("{who} added a picture of the product {subject}")


class PictureAction(AuditAction):
    """What the audit log records of pictures."""

    ProductPictureChanged = (
        "ProductPictureChanged",
        "A product's picture was set or removed; the picture itself is not recorded, its digest is.",
        _picture,
    )
