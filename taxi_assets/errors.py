"""The errors a user can cause and mend. Anything else that is raised is a fault of ours."""


class TaxiError(Exception):
    """One clear line: what is wrong, which thing it is about, and what to do.

    Trying again does not help unless the subclass says so.
    """


class SettingError(TaxiError):
    """A setting, option or config field has a value that cannot be used."""


class TripFileError(TaxiError):
    """A month's file is not a whole, readable trip file."""


class MonthNotFoundError(TaxiError):
    """The source has no file for a month."""


class SourceUnavailableError(TaxiError):
    """The source did not answer, or broke off. Trying again later can help."""


class TrackingError(TaxiError):
    """MLflow did not answer, or refused. Trying again later can help."""


class StoredError(TaxiError):
    """Something stored is missing or is not what was stored."""


class StoreUnavailableError(StoredError):
    """The store did not answer. Trying again later can help."""


class UntrustedModelError(TaxiError):
    """A model file asks for types that a model of ours never has."""
