"""Settings of the shop that nobody chose, and pictures that nobody uploaded."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "8",
        "a name of the shop that nobody gave it",
        "UPDATE shop_settings SET name = 'Another'",
        "Each setting of the shop is what",
    ),
    plant(
        "8",
        "a deadline that is gone",
        "UPDATE shop_settings SET amendment_timeout_s = NULL",
        "Each setting of the shop is what",
    ),
    plant(
        "links",
        "another picture at the logo's address",
        "UPDATE shop_settings SET logo = '\\x00'",
        "The digest in the logo's address",
    ),
    plant(
        "links",
        "another picture at a product's address",
        "UPDATE product_pictures SET content = '\\x00'",
        "A product's picture belongs to a product",
    ),
    plant(
        "links",
        "a picture of no product",
        "UPDATE product_pictures SET sku = 'nothing'",
        "A product's picture belongs to a product",
    ),
)
