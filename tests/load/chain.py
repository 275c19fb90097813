"""The chain under load: the bench's, with a product that everybody wants, and a machine that may do what staff may."""

from uuid import UUID

from accounts.interface import Action, ApiKeyDraft, Role, accounts, new_secret_key
from inventory.interface import inventory
from shared_kernel.ids import new_id
from tests.bench import chain
from tests.chain import make_product, put_in_stock
from tests.load.facts import Chain

MACHINE = frozenset({Action.SELL, Action.READ_STOCK, Action.REQUEST_STOCK, Action.DECIDE_REQUESTS, Action.READ_REPORTS})


def build(*, pieces: int, stores: int = chain.STORES, products: int = chain.PRODUCTS, sold: int = chain.SALES) -> Chain:
    """These many stores and products with ample stock, of one more product these pieces, and sales of the past."""
    built = chain.build(stores=stores, products=products, sold=sold)
    places = inventory.stores()
    wanted = make_product(name="Console")
    put_in_stock(wanted, inventory.central(), pieces - pieces // 2)
    put_in_stock(wanted, places[0], pieces // 2)
    # An access token would end before a long run does.
    key = new_secret_key()
    accounts.create_api_key(key_id=new_id(), key=key, draft=ApiKeyDraft("Staff", MACHINE))
    chain.put_in_order()
    return Chain(
        stores=[str(place.id) for place in places],
        products=[str(one) for one in built.product_ids],
        words=chain.WHATS,
        wanted=str(wanted.id),
        pieces=pieces,
        key=key,
        cookie=built.session(Role.HEAD_OFFICE)["Cookie"],
    )


def pieces_gone(built: Chain) -> int:
    """How many pieces of the product that everybody wants are sold, or kept for an order."""
    places = [inventory.central(), *inventory.stores()]
    rows = inventory.stock_levels(product_ids=[UUID(built.wanted)], location_ids=[place.id for place in places])
    return built.pieces - sum(row.available for row in rows)
