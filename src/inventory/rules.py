"""What figures of stock mean."""


def is_low(*, available: int, reorder_point: int) -> bool:
    """Whether a product has come down to its reorder point; a reorder point of 0 means that it is not reordered."""
    return reorder_point > 0 and available <= reorder_point
