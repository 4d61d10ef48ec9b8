"""Notes that nobody wrote, and notes that are gone."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "links",
        "a note is gone",
        "DELETE FROM order_notes WHERE order_id = $booked AND number = 1",
        "Notes belong to an order",
        "A note is by a member of staff",
    ),
    plant(
        "links",
        "a note without its order",
        "UPDATE order_notes SET order_id = gen_random_uuid() WHERE order_id = $booked",
        "Notes belong to an order",
        "A note is by a member of staff",
    ),
    plant(
        "8",
        "a note by a customer",
        "UPDATE order_notes SET author_role = 'CUSTOMER' WHERE order_id = $booked AND number = 2",
        "A note is by a member of staff",
    ),
    plant(
        "8",
        "a note in another person's name",
        "UPDATE order_notes SET author = 'somebody' WHERE order_id = $booked AND number = 2",
        "A note is by a member of staff",
    ),
    plant(
        "8",
        "a note whose text is gone",
        "UPDATE order_notes SET text = NULL WHERE order_id = $booked AND number = 1",
        "A note says something",
    ),
)
