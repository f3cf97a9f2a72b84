"""The tree of exceptions. A message names the offender and says what to do about it."""


class GqlnewsError(Exception):
    """Every error that gqlnews raises on purpose."""


class StartupError(GqlnewsError):
    """What keeps a command from doing its work: one line for the user, exit 2."""


class FolderError(StartupError):
    """The content folder is not there, is no folder, or cannot be read."""


class DatabaseError(StartupError):
    """The database file cannot be used."""


class ForeignDatabaseError(DatabaseError):
    """The file is no database of gqlnews."""


class NewerDatabaseError(DatabaseError):
    """A newer gqlnews made the file."""


class LockedDatabaseError(DatabaseError):
    """Another process holds the write lock."""


class AddressError(StartupError):
    """The host and port cannot be listened on."""


class SettingsError(StartupError):
    """An option or environment variable has a value that it cannot have."""


class RequestError(GqlnewsError):
    """An argument of a request that is refused before anything runs; `code` is `extensions.code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
