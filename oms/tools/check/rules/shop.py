"""The shop's settings agree with what the audit log says of them, and pictures with their addresses."""

from typing import Final

from oms.tools.check.check import LINKS, Check

CHECKS: Final = (
    Check(
        "8",
        "Each setting of the shop is what the audit log, as far back as it goes, said of it last",
        "settings",
        "shop_settings",
        """
        SELECT 'shop setting ' || f.name, format('%s, but last set to %s', coalesce(f.value, 'null'), said.value)
        FROM shop_settings s CROSS JOIN LATERAL (VALUES
            ('name', to_jsonb(s.name)), ('time_zone', to_jsonb(s.time_zone)), ('currency', to_jsonb(s.currency)),
            ('amendment_timeout_s', to_jsonb(s.amendment_timeout_s)), ('logo', to_jsonb(s.logo_digest))
        ) AS f(name, value) JOIN LATERAL (
            SELECT a.after -> f.name AS value FROM audit_events a
            WHERE a.action IN ('ShopSettingsChanged', 'ShopLogoChanged') AND a.after ? f.name
            ORDER BY a.at DESC, a.id DESC LIMIT 1
        ) AS said ON true
        WHERE coalesce(f.value, 'null') <> said.value
        """,
    ),
    Check(
        LINKS,
        "The digest in the logo's address is that of its content",
        "logos",
        "shop_settings WHERE logo IS NOT NULL",
        """
        SELECT 'logo ' || logo_digest, format('%s bytes of another digest', length(logo)) FROM shop_settings
        WHERE logo_digest <> left(encode(sha256(logo), 'hex'), 32)
        """,
    ),
    Check(
        LINKS,
        "A product's picture belongs to a product, and the digest in its address is that of its content",
        "pictures",
        "product_pictures",
        """
        SELECT 'picture of ' || p.sku, CASE WHEN c.sku IS NULL THEN 'there is no such product'
                                            ELSE format('%s bytes of another digest', length(p.content)) END
        FROM product_pictures p LEFT JOIN products c ON c.sku = p.sku
        WHERE c.sku IS NULL OR p.digest <> left(encode(sha256(p.content), 'hex'), 32)
        """,
    ),
)
