"""All pages of signed-in viewers. The order is that of the navigation's entries."""

from typing import Final

from oms.web.pages.account.own_account import AccountPages
from oms.web.pages.courier.run import RunPages
from oms.web.pages.courier.shipments import ShipmentPages
from oms.web.pages.customer.orders import OrderPages
from oms.web.pages.customer.pictures import Pictures
from oms.web.pages.home.home import HomePages
from oms.web.pages.manager.audit import AuditPages
from oms.web.pages.manager.customers import CustomerPages
from oms.web.pages.manager.fraud import FraudControlPages
from oms.web.pages.manager.operations import OperationsPages
from oms.web.pages.manager.people import PeoplePages
from oms.web.pages.manager.settings import SettingsPages
from oms.web.pages.manager.stock import StockPages
from oms.web.pages.support.approvals import ApprovalPages
from oms.web.pages.support.chosen_orders import ChosenOrderPages
from oms.web.pages.support.order import SupportOrderPages
from oms.web.pages.support.order_list import OrderListPages
from oms.web.pages.support.orders import SupportPages

PAGES: Final = (
    HomePages,
    OrderPages,
    Pictures,
    RunPages,
    ShipmentPages,
    FraudControlPages,
    StockPages,
    OperationsPages,
    OrderListPages,
    ChosenOrderPages,
    SupportPages,
    SupportOrderPages,
    ApprovalPages,
    CustomerPages,
    AuditPages,
    SettingsPages,
    PeoplePages,
    AccountPages,
)
