"""Pictures: the shop's logo; and of products that have none, drawn from the SKU, so that each keeps its own."""

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.pictures import queries
from oms.domain.pictures.model import Picture
from oms.domain.vocabulary.texts.checks import CODE_LENGTH
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database
from oms.web.pages.declarations import Pages, page, public_page
from oms.web.pages.rendering.site import PageRefused, Site

_GROUNDS: Final = ("#e1f4fb", "#e0f7e5", "#fff1d2", "#feecea", "#e3e2de", "#ece6f7")
_SHAPES: Final = ("#00617f", "#1b6c36", "#884f0f", "#b51f1f", "#5f5c57", "#5b3f8c")
"""The tones of static/tokens.css, which a picture can't refer to."""

_FOR_A_DAY: Final = "public, max-age=86400"
_FOR_EVER: Final = "max-age=31536000, immutable"
_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"


class Pictures(Pages):
    """/logo/DIGEST and /pictures/SKU.svg, for everybody."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @public_page("/logo/{digest}")
    async def logo(self, request: Request) -> Response:
        """The shop's, by the digest of its content, so that browsers need not ask again."""
        logo = self._site.shop.logo
        if logo is None or logo.digest != request.path_params["digest"]:
            raise PageRefused(404, wording("There is no such picture."))
        return uploaded(logo, request)

    @public_page("/pictures/{sku:path}.svg")
    async def picture(self, request: Request) -> Response:
        sku = str(request.path_params["sku"])
        if len(sku) > CODE_LENGTH:
            raise PageRefused(404, wording("There is no such picture."))
        headers = {"Cache-Control": _FOR_A_DAY, "Content-Security-Policy": _POLICY}
        return Response(drawing(sku), media_type="image/svg+xml", headers=headers)


class ProductPictures(Pages):
    """/picture/DIGEST, for those who may see the catalogue."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @page("/picture/{digest}", needs=CatalogPermission.READ_CATALOG)
    async def picture(self, request: Request, viewer: Viewer) -> Response:
        found = await queries.picture(self._db, viewer, str(request.path_params["digest"]).replace("\0", ""))
        if found is None:
            raise PageRefused(404, wording("There is no such picture."))
        return uploaded(found, request, "private")


def uploaded(picture: Picture, request: Request, caches: str = "public") -> Response:
    """A picture at an address that names its content: it never changes there."""
    headers = {
        "Cache-Control": f"{caches}, {_FOR_EVER}",
        "Content-Security-Policy": _POLICY,
        "ETag": f'"{picture.digest}"',
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.content, media_type=str(picture.type), headers=headers)


def drawing(sku: str) -> str:
    """An SVG of 96 × 96: two shapes whose colours, places and sizes follow from the SKU."""
    digest = hashlib.blake2b(sku.encode("utf-8", "replace"), digest_size=8).digest()
    tone = digest[0] % len(_GROUNDS)
    large, small = 20 + digest[1] % 14, 10 + digest[2] % 10
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" fill="{ground}"/>'
        '<g fill="{fill}"><circle cx="{x}" cy="{y}" r="{large}" opacity="0.75"/>'
        '<rect x="{left}" y="{top}" width="{wide}" height="{wide}" rx="4" opacity="0.45"'
        ' transform="rotate({turn} 48 48)"/></g></svg>'
    ).format(
        ground=_GROUNDS[tone], fill=_SHAPES[tone], x=34 + digest[3] % 28, y=34 + digest[4] % 28, large=large,
        left=20 + digest[5] % 30, top=20 + digest[6] % 30, wide=2 * small, turn=digest[7] % 90,
    )  # fmt: skip
