"""From where people act, and which personal data staff read."""

from uuid import UUID, uuid4

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.policy import ReadAction
from oms.domain.audit.reads import ReadRecorder
from oms.domain.audit.record import record
from oms.domain.fraud.policy import FraudAction
from oms.domain.personal_data import commands as personal_data
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id
from tests.domain.audit.test_audit_log import entries
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer

SESSION = UUID(int=5)
MAYA = Viewer("Maya", Role.MANAGER, principal="account:1", session_id=SESSION, address="192.0.2.7")


async def test_an_act_of_a_person_has_address_and_session(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await record(tx, MAYA, Entry(FraudAction.FraudSettingsChanged), Entry(FraudAction.FraudSettingsChanged))
    for entry in await entries(shop):
        assert (entry.address, entry.session_id) == ("192.0.2.7", SESSION)
    salts = await shop.rows("SELECT DISTINCT salt FROM audit_addresses")
    assert len(salts) == 2, "equal addresses cannot be recognised by their digest"


async def test_an_act_of_a_machine_has_neither(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await record(tx, CART, Entry(FraudAction.FraudSettingsChanged))
    (entry,) = await entries(shop)
    assert (entry.address, entry.session_id) == (None, None)


async def test_the_addresses_of_a_customer_are_exported_and_erased(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    order = await shop.place({"pen": 1}, customer="ana")
    await shop.cancel(order, customer("ana"))
    account = uuid4()
    add = """INSERT INTO accounts (id, login, name, role, customer_reference, created_at, changed_at)
             VALUES (:id, 'ana', 'Ana', 'CUSTOMER', 'ana', now(), now())"""
    await shop.execute(add, id=account)
    ana = Viewer("Ana", Role.CUSTOMER, "ana", principal=f"account:{account}", address="198.51.100.4")
    async with shop.db.transaction() as tx:
        await record(tx, ana, Entry(FraudAction.FraudSettingsChanged))
        await record(tx, MAYA, Entry(FraudAction.FraudSettingsChanged))
    await shop.seal()
    async with shop.db.transaction() as tx:
        exported = await personal_data.export(tx, MANAGER, "ana")
        assert [row["address"] for row in exported["audit_addresses"]] == ["198.51.100.4"]
        await personal_data.erase(tx, MANAGER, "ana", "asked for")
    assert await shop.rows("SELECT address FROM audit_addresses") == [("192.0.2.7",)]
    assert "198.51.100.4" not in repr(await shop.rows("SELECT * FROM audit_events"))


async def test_reads_of_personal_data_by_staff_are_counted(shop: ShopUnderTest) -> None:
    order, recorder = uuid4(), ReadRecorder(shop.db, share=1)
    for viewer in (SUPPORT, MANAGER, MANAGER, COURIER, CART, customer("ana")):
        recorder.add(viewer, order)
    await recorder.write()
    read = await entries(shop, action=ReadAction.PersonalDataRead)
    assert {(entry.by.role, entry.subject, str(entry.after)) for entry in read} == {
        (Role.SUPPORT, order_id(order), "{'times': 1}"),
        (Role.MANAGER, order_id(order), "{'times': 2}"),
    }


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.5, 300, 700), (1, 1000, 1000)])
async def test_a_share_of_reads_is_recorded(shop: ShopUnderTest, share: float, least: int, most: int) -> None:
    order, recorder = uuid4(), ReadRecorder(shop.db, share=share)
    for _ in range(1000):
        recorder.add(SUPPORT, order)
    await recorder.write()
    counted = sum(entry.after["times"] for entry in await entries(shop) if entry.after)
    assert least <= counted <= most
