"""What is kept in Redis: for how long at most, and what outdates it. The table of docs/caching.md says the same."""

from shared_kernel.cache import Caching

# What a group is outdated by: each of these changes calls `outdate` in its transaction, but for sales.
GROUPS = {
    "catalog": "a product is made, changed or archived, a category is changed",
    "stores": "a store or a warehouse is opened or changed",
    "sales": "something is sold or comes back in these stores and days: what was is part of its key",
    "order": "it goes a step further, money of it goes back, a product of it is archived, its buyer is forgotten",
}

# Never listed here: how much of something is in stock, and what depends on it.
CACHED = [
    Caching("product", "catalog", seconds=300, public_seconds=5),
    Caching("product list", "catalog", seconds=60, public_seconds=5),
    Caching("product page", "catalog", seconds=60),
    Caching("categories", "catalog", seconds=300, public_seconds=60),
    Caching("store", "stores", seconds=300, public_seconds=60),
    Caching("store list", "stores", seconds=300, public_seconds=60),
    Caching("ranking", "sales", seconds=300),
    Caching("paid order", "order", seconds=300),
]
