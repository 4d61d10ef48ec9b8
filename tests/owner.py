"""The owner's way into a database that a test reaches as the application does: to empty it, to plant what is wrong."""

import os
from typing import Final

from sqlalchemy.engine import make_url

VARIABLE: Final = "OMS_TEST_MIGRATION_DATABASE_URL"
"""The owner of the server's databases; without it the application's user owns them itself."""


def owner_of(database_url: str) -> str:
    given = os.environ.get(VARIABLE)
    if not given:
        return database_url
    own = make_url(database_url)
    owner = make_url(given).set(drivername=own.drivername, database=own.database)
    return owner.render_as_string(hide_password=False)
