"""What the n-th customer of the orders of long ago is called, as shapes.sql has it."""


def given(customer: int) -> str:
    return f"Given{customer * 7 % 1009:04}"


def family(customer: int) -> str:
    return f"Family{customer * 31 % 20011:05}"


def email(customer: int) -> str:
    return f"{given(customer)}.{family(customer)}.{customer}@example.com"


def phone(customer: int) -> str:
    return f"+1555{customer:07}"


def postal_code(customer: int) -> str:
    return f"{customer * 13 % 50021:05}"


def city(customer: int) -> str:
    return f"Town-{customer % 1013:04}" if customer % 4 else "Exampletown"
