"""The concept's refusal reasons."""

from oms.domain.vocabulary.errors import Code, Reason


class PictureReason(Reason):
    """Why a picture is refused."""

    NOT_A_PICTURE = Code.INVALID, "The content is no whole PNG, JPEG or WebP picture; SVG is never accepted."
    PICTURE_TOO_LARGE = Code.INVALID, "The picture has too many bytes, or too many pixels."
