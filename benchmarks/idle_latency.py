"""How long an order placed on an idle system takes: `python -m benchmarks.idle_latency [ORDERS]`.

Needs a running instance (`make run`), found by OMS_DATA_DIR and OMS_PORT. Prints milliseconds of the request that
places it, and from its placedAt to its last shipment's bookedAt, both by the server's clock.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from statistics import quantiles
from typing import Any, Final

import httpx

from oms.instance import located
from oms.settings import load_settings

PAUSE_S: Final = 0.15
"""Between orders, so that each finds the system idle."""

PLACE: Final = """mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } userErrors { message } } }"""
BOOKED: Final = "query ($id: ID!) { order(id: $id) { placedAt shipments { bookedAt } } }"


def main(orders: int) -> None:
    settings = located(load_settings())
    command = [sys.executable, "-m", "oms", "token", "--role", "SERVICE", "--name", "benchmark", "--days", "1"]
    token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    placing, booking = [], []
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
        url = f"http://{settings.host}:{settings.port}/graphql"
        for number in range(orders):
            time.sleep(PAUSE_S)
            started = time.perf_counter()
            order = ask(client, url, PLACE, input=order_input(f"idle-{time.time_ns()}-{number}"))["placeOrder"]["order"]
            placing.append((time.perf_counter() - started) * 1000)
            booking.append(placed_to_booked_ms(client, url, order["id"]))
    report("placing, as the client sees it", placing)
    report("placed to booked", booking)


def order_input(reference: str) -> Mapping[str, Any]:
    lines = [{"sku": "COFFEE-1KG", "quantity": 1}]
    return {"reference": reference, "customerReference": "benchmark", "lines": lines}


def placed_to_booked_ms(client: httpx.Client, url: str, order_id: str) -> float:
    while True:
        time.sleep(0.05)
        order = ask(client, url, BOOKED, id=order_id)["order"]
        booked = [shipment["bookedAt"] for shipment in order["shipments"]]
        if booked and all(booked):
            return (instant(max(booked)) - instant(order["placedAt"])) * 1000


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ask(client: httpx.Client, url: str, query: str, **variables: Any) -> Any:
    answer = client.post(url, json={"query": query, "variables": variables}).json()
    if "errors" in answer:
        raise SystemExit(f"The API refused: {answer['errors']}")
    return answer["data"]


def report(name: str, figures: list[float]) -> None:
    cuts = quantiles(figures, n=100, method="inclusive")
    print(f"{name}: n {len(figures)}, p50 {cuts[49]:.1f} ms, p90 {cuts[89]:.1f} ms, p99 {cuts[98]:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
