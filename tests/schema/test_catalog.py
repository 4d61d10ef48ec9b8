"""The catalogue: one product, a search, and the stock of many products."""

from tests.schema.api import ANA, Api
from tests.shop import COURIER, MANAGER

PRODUCT = "query ($sku: String!) { product(sku: $sku) { sku stock { warehouse { code } onHand available } } }"
SEARCH = "query ($search: String) { products(search: $search) { nodes { sku } } }"


async def test_a_product_is_found_by_its_sku_with_its_stock(api: Api) -> None:
    await api.shop.stock_up({"tea": {"south": 2, "north": 5}})
    north = {"warehouse": {"code": "north"}, "onHand": 5, "available": 5}
    south = {"warehouse": {"code": "south"}, "onHand": 2, "available": 2}
    assert await api.ask(PRODUCT, MANAGER, sku="tea") == {"sku": "tea", "stock": [north, south]}
    assert await api.ask(PRODUCT, MANAGER, sku="no such") is None


async def test_a_malformed_sku_is_refused(api: Api) -> None:
    error = await api.refusal(PRODUCT, MANAGER, sku=" ")
    assert error.extensions == {"code": "INVALID", "reason": "EMPTY", "path": ["sku"]}


async def test_customers_see_products_but_not_their_stock(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    assert await api.ask('{ product(sku: "tea") { name } }', ANA) == {"name": "tea"}
    error = await api.refusal(PRODUCT, ANA, sku="tea")
    assert error.extensions is not None
    assert error.extensions["code"] == "FORBIDDEN"


async def test_products_are_searched_by_the_start_of_the_sku_or_a_part_of_the_name(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 1}, "teapot": {"north": 1}, "mug": {"north": 1}})
    await api.shop.execute("UPDATE products SET name = 'Mug for 100% Tea' WHERE sku = 'mug'")

    async def found(search: str) -> list[str]:
        return [product["sku"] for product in (await api.ask(SEARCH, MANAGER, search=search))["nodes"]]

    assert await found(" tea ") == ["mug", "tea", "teapot"]
    assert await found("teap") == ["teapot"]
    assert await found("100%") == ["mug"]
    assert await found("% t") == ["mug"]
    assert await found("") == ["mug", "tea", "teapot"]
    assert await found("xyz") == []


async def test_the_stock_of_many_products_is_read_at_once(api: Api) -> None:
    await api.shop.stock_up({f"sku-{n}": {"north": n} for n in range(5)})
    with api.statements() as sent:
        page = await api.ask("{ products { nodes { stock { onHand } } } }", MANAGER)
    assert [product["stock"][0]["onHand"] for product in page["nodes"]] == [0, 1, 2, 3, 4]
    assert len([statement for statement in sent if "FROM stock" in statement]) == 1


async def test_the_viewer_shows_what_the_role_may_change(api: Api) -> None:
    query = "{ viewer { canChangeFraudSettings canChangeCatalog } }"
    assert await api.ask(query, MANAGER) == {"canChangeFraudSettings": True, "canChangeCatalog": True}
    assert await api.ask(query, COURIER) == {"canChangeFraudSettings": False, "canChangeCatalog": False}
