"""What figures of stock mean, and what makes a place sound."""

from zoneinfo import available_timezones

from inventory.interface import LocationDraft


def is_low(*, available: int, reorder_point: int) -> bool:
    """Whether a product has come down to its reorder point; a reorder point of 0 means that it is not reordered."""
    return reorder_point > 0 and available <= reorder_point


def location_errors(draft: LocationDraft) -> list[dict[str, str]]:
    """What is wrong with a place's values: a list of field and message, empty when all is well."""
    problems = {
        "name": None if 0 < len(draft.name.strip()) <= 100 else "A name has 1 to 100 characters.",
        "address": None if len(draft.address) <= 300 else "An address has at most 300 characters.",
        "time_zone": None if draft.time_zone in available_timezones() else "Not an IANA time zone, like Europe/Paris.",
    }
    return [{"field": field, "message": message} for field, message in problems.items() if message]
