"""The codes of the log's rows, as the key file gives them: checked at every start, made once by `migrate`."""

from app.identity.key_file import fingerprint
from domain.core.ids import Names
from streams.log.first_codes import FirstCodes, give_codes, is_empty, is_noted
from streams.log.master_key import Keyring
from streams.log.person_keys import check_names
from streams.log.row_codes import RowCodes, row_codes
from streams.log.signing import Signer
from streams.storage.database import Database
from streams.storage.schema import WrongSchema


def codes_by(keyring: Keyring) -> RowCodes:
    """Return the codes that this key file makes and checks."""
    return row_codes(keyring.names, Signer(keyring.sealing).public if keyring.sealing else b"")


def check_codes(database: Database, names: Names, codes: RowCodes) -> None:
    """Enable the database to be used with these codes; SQLite's older facts get theirs, an empty log needs none.

    Raises:
        CodesLost: the facts had codes before, and somebody took away the note of that.
        WrongKeyFile: these are the keys of another database.
        WrongSchema: on a server there are facts without codes; with what to do.
    """
    database.use_codes(codes)
    database.write(lambda connection: check_names(connection, fingerprint(names)))
    with database.reading() as connection:
        noted, empty = is_noted(connection), is_empty(connection)
    if noted:
        return
    if not (database.sqlite or empty):
        raise WrongSchema("its facts have no codes yet. Stop all roles, run `habarshy migrate`, then start again")
    database.write(give_codes)


def give_first_codes(database: Database, keyring: Keyring) -> FirstCodes | None:
    """Give the facts that are there their codes; return None where they have them.

    Raises:
        CodesLost: see `check_codes`.
    """
    database.use_codes(codes_by(keyring))
    return database.write(give_codes)
