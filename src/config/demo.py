"""The demonstration chain, as data: one warehouse, five stores, their products and people."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.interface import Role
from checkout.interface import Destination, OrderAddress, OrderStatus
from replenishment.interface import Verdict

WAREHOUSE = UUID("11111111-1111-1111-1111-111111111111")


@dataclass(frozen=True)
class DemoStore:
    id: UUID
    name: str
    address: str
    time_zone: str
    # Sales tickets on an ordinary weekday.
    tickets: int


STORES = [
    DemoStore(
        UUID("33333333-3333-3333-3333-333333333331"),
        "Comptoir Bellecour",
        "3 place Bellecour, 69002 Lyon",
        "Europe/Paris",
        8,
    ),
    DemoStore(
        UUID("33333333-3333-3333-3333-333333333332"),
        "Comptoir République",
        "12 place de la République, 75011 Paris",
        "Europe/Paris",
        9,
    ),
    DemoStore(
        UUID("33333333-3333-3333-3333-333333333333"),
        "Comptoir Lille",
        "27 rue de Béthune, 59800 Lille",
        "Europe/Paris",
        6,
    ),
    DemoStore(
        UUID("33333333-3333-3333-3333-333333333334"),
        "Comptoir Chartrons",
        "41 rue Notre-Dame, 33000 Bordeaux",
        "Europe/Paris",
        5,
    ),
    DemoStore(
        UUID("33333333-3333-3333-3333-333333333335"),
        "Comptoir Montréal",
        "1220 rue Saint-Denis, Montréal QC H2X 3J5",
        "America/Toronto",
        4,
    ),
]

# Sku, name, price, description; the first five have ids that examples and tests rely on.
PRODUCTS: dict[str, list[tuple[str, str, str, str]]] = {
    "Informatique": [
        ("INF-001", "Clavier mécanique", "89.99", "Clavier mécanique rétroéclairé, interrupteurs bruns, AZERTY"),
        ("INF-002", "Souris optique", "25.50", "Souris optique filaire, 1600 ppp"),
        ("INF-003", "Souris sans fil", "34.90", "Souris sans fil silencieuse, pile fournie"),
        ("INF-004", "Écran 24 pouces", "159.00", "Écran IPS 24 pouces, Full HD, HDMI et DisplayPort"),
        ("INF-005", "Webcam HD", "49.90", "Webcam 1080p avec cache de confidentialité"),
        ("INF-006", "Clé USB 64 Go", "12.90", "Clé USB 3.2, 64 Go, boîtier en aluminium"),
        ("INF-007", "Disque SSD 1 To", "94.90", "Disque SSD externe 1 To, USB-C"),
        ("INF-008", "Hub USB-C", "39.90", "Concentrateur USB-C sept ports, lecteur de cartes"),
        ("INF-009", "Tapis de souris", "9.90", "Tapis de souris antidérapant, grand format"),
        ("INF-010", "Casque de bureau", "64.90", "Casque filaire avec micro antibruit"),
        ("INF-011", "Imprimante laser", "189.00", "Imprimante laser monochrome, recto verso"),
        ("INF-012", "Routeur Wi-Fi 6", "79.90", "Routeur Wi-Fi 6 double bande"),
    ],
    "Boissons": [
        ("BOI-001", "Café Premium Bio", "15.99", "Café en grains pur arabica, issu de l'agriculture biologique, 1 kg"),
        ("BOI-002", "Thé vert Sencha", "8.50", "Thé vert du Japon, 100 g"),
        ("BOI-003", "Thé noir Earl Grey", "7.90", "Thé noir à la bergamote, 100 g"),
        ("BOI-004", "Infusion verveine", "5.40", "Verveine de Provence, 25 sachets"),
        ("BOI-005", "Jus de pomme artisanal", "3.95", "Pur jus de pomme, pressé à froid, 1 l"),
        ("BOI-006", "Limonade au citron", "2.80", "Limonade artisanale, 75 cl"),
        ("BOI-007", "Sirop de menthe", "4.60", "Sirop de menthe, 70 cl"),
        ("BOI-008", "Eau pétillante", "1.20", "Eau minérale naturelle gazeuse, 1 l"),
        ("BOI-009", "Chocolat chaud", "6.90", "Poudre de cacao pour chocolat chaud, 500 g"),
        ("BOI-010", "Café moulu décaféiné", "9.80", "Café décaféiné à l'eau, moulu, 250 g"),
    ],
    "Accessoires": [
        ("ACC-001", "Écouteurs Bluetooth", "45.99", "Écouteurs sans fil, réduction de bruit, boîtier de charge"),
        ("ACC-002", "Coque de téléphone", "14.90", "Coque souple transparente"),
        ("ACC-003", "Chargeur USB-C 65 W", "29.90", "Chargeur rapide USB-C, 65 W"),
        ("ACC-004", "Câble USB-C 2 m", "11.90", "Câble tressé USB-C vers USB-C, 2 m"),
        ("ACC-005", "Batterie externe", "32.50", "Batterie externe 10 000 mAh"),
        ("ACC-006", "Support de téléphone", "16.90", "Support de bureau orientable"),
        ("ACC-007", "Enceinte portable", "59.90", "Enceinte Bluetooth étanche"),
        ("ACC-008", "Sac à dos ordinateur", "54.90", "Sac à dos 20 l, compartiment ordinateur 15 pouces"),
        ("ACC-009", "Lampe de bureau LED", "37.90", "Lampe LED à intensité réglable"),
        ("ACC-010", "Gourde isotherme", "22.00", "Gourde en acier, 50 cl, douze heures au chaud"),
        ("ACC-011", "Parapluie compact", "18.50", "Parapluie pliant, ouverture automatique"),
    ],
    "Confiserie": [
        ("CON-001", "Chocolat Noir 70%", "8.99", "Tablette de chocolat noir 70 % de cacao, 200 g"),
        ("CON-002", "Chocolat au lait", "3.20", "Tablette de chocolat au lait, 100 g"),
        ("CON-003", "Pralines roses", "6.50", "Pralines roses de Lyon, 200 g"),
        ("CON-004", "Calissons d'Aix", "12.90", "Boîte de calissons d'Aix, 250 g"),
        ("CON-005", "Nougat de Montélimar", "9.40", "Nougat tendre aux amandes, 200 g"),
        ("CON-006", "Caramels au beurre salé", "7.20", "Caramels de Bretagne, 250 g"),
        ("CON-007", "Bonbons à la violette", "4.80", "Violettes de Toulouse, 150 g"),
        ("CON-008", "Pâtes de fruits", "10.50", "Pâtes de fruits assorties, 300 g"),
        ("CON-009", "Réglisse douce", "2.90", "Rouleaux de réglisse, 100 g"),
        ("CON-010", "Biscuits sablés", "5.60", "Sablés pur beurre, 250 g"),
    ],
}

PRODUCT_IDS = {
    "INF-001": UUID("550e8400-e29b-41d4-a716-446655440001"),
    "INF-002": UUID("550e8400-e29b-41d4-a716-446655440002"),
    "BOI-001": UUID("550e8400-e29b-41d4-a716-446655440003"),
    "ACC-001": UUID("550e8400-e29b-41d4-a716-446655440004"),
    "CON-001": UUID("550e8400-e29b-41d4-a716-446655440005"),
}

FOOD_TAX = Decimal("0.0550")
TAX_RATES = {"Boissons": FOOD_TAX, "Confiserie": FOOD_TAX}

# What is left after all sales where it is not drawn by lot: stores, sku, pieces.
CENTRAL_STOCK = {"INF-001": 100, "INF-002": 200}
LEFT_IN_STORES = {(store.id, sku): pieces for store in STORES[:2] for sku, pieces in [("INF-001", 20), ("INF-002", 30)]}
EMPTY_SHELVES = {
    (STORES[0].id, "CON-003"),
    (STORES[1].id, "BOI-002"),
    (STORES[2].id, "ACC-001"),
    (STORES[3].id, "INF-006"),
    (STORES[4].id, "CON-006"),
}
LOW_SHELVES = {
    (STORES[0].id, "BOI-001"): 4,
    (STORES[0].id, "ACC-004"): 7,
    (STORES[1].id, "CON-001"): 3,
    (STORES[2].id, "INF-003"): 6,
    (STORES[3].id, "BOI-005"): 9,
    (STORES[4].id, "CON-002"): 2,
    (STORES[0].id, "CON-006"): 5,
    (STORES[0].id, "INF-009"): 8,
    (STORES[1].id, "ACC-002"): 6,
    (STORES[2].id, "BOI-007"): 4,
    (STORES[3].id, "ACC-010"): 7,
}

# How many of some products every store should hold when it is filled.
TARGETS = {"INF-001": 30, "INF-003": 25, "BOI-001": 40, "ACC-004": 40, "CON-001": 35, "CON-002": 40, "BOI-005": 30}

# What stores have asked of the warehouse: store, sku, pieces, and what the warehouse has said to it.
REQUESTS = [
    (STORES[0].id, "BOI-001", 30, None),
    (STORES[0].id, "ACC-004", 25, None),
    (STORES[1].id, "CON-001", 30, None),
    (STORES[2].id, "INF-003", 15, None),
    (STORES[4].id, "CON-002", 30, None),
    (STORES[3].id, "CON-010", 20, Verdict.APPROVE),
    (STORES[1].id, "INF-011", 12, Verdict.REJECT),
]


@dataclass(frozen=True)
class DemoOrder:
    """What somebody ordered in the web shop, so many hours ago, and how far it has come.

    Of a refunded one everything has come back; `refunded` pieces of the first line have otherwise.
    """

    hours_ago: int
    destination: Destination
    items: list[tuple[str, int]]
    status: OrderStatus
    refunded: int = 0


def sent_to(name: str, line1: str, postal_code: str, city: str) -> Destination:
    """A delivery in France."""
    address = OrderAddress(name=name, line1=line1, city=city, postal_code=postal_code, country="FR")
    return Destination(email=_email_of(name), address=address)


def picked_up_in(store: DemoStore, name: str) -> Destination:
    return Destination(email=_email_of(name), pickup_store_id=store.id)


def _email_of(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return f"{letters.replace(' ', '.')}@example.com"


PENDING, PAID, PROCESSING = OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.PROCESSING
COMPLETED, CANCELLED, REFUNDED = OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.REFUNDED

# Oldest first, as they were placed. Those that are still to be paid run out after a quarter of an hour.
ORDERS = [
    DemoOrder(
        98,
        sent_to("Paul Girard", "5 rue Crébillon", "44000", "Nantes"),
        [("ACC-007", 1)],
        REFUNDED,
    ),
    DemoOrder(75, picked_up_in(STORES[2], "Jeanne Wattel"), [("ACC-009", 1), ("CON-010", 2)], COMPLETED),
    DemoOrder(
        53,
        sent_to("Anaïs Petit", "18 rue du Taur", "31000", "Toulouse"),
        [("CON-004", 3), ("CON-005", 2)],
        COMPLETED,
        refunded=1,
    ),
    DemoOrder(31, sent_to("Hugo Lemaire", "2 place Kléber", "67000", "Strasbourg"), [("INF-012", 1)], CANCELLED),
    DemoOrder(
        27,
        sent_to("Nadia Belkacem", "40 cours Julien", "13006", "Marseille"),
        [("INF-004", 2), ("INF-008", 2), ("INF-010", 1)],
        PAID,
    ),
    DemoOrder(
        7,
        sent_to("Thomas Roche", "9 rue Esquermoise", "59800", "Lille"),
        [("ACC-008", 1), ("ACC-010", 1)],
        PROCESSING,
    ),
    DemoOrder(6, picked_up_in(STORES[0], "Irène Chabert"), [("BOI-009", 2), ("CON-009", 3)], PROCESSING),
    DemoOrder(
        4,
        sent_to("Louise Mercier", "12 rue Mercière", "69002", "Lyon"),
        [("BOI-003", 2), ("BOI-004", 1), ("CON-008", 1)],
        PAID,
    ),
    DemoOrder(3, picked_up_in(STORES[0], "Karim Saïdi"), [("INF-005", 1), ("INF-006", 2)], PAID),
    DemoOrder(2, picked_up_in(STORES[1], "Rose Lambert"), [("ACC-003", 1)], PAID),
    DemoOrder(1, sent_to("Gabriel Faure", "27 cours de l'Intendance", "33000", "Bordeaux"), [("INF-007", 1)], PAID),
    DemoOrder(0, sent_to("Maya Fontaine", "3 rue Nationale", "37000", "Tours"), [("INF-011", 1)], PENDING),
    DemoOrder(0, picked_up_in(STORES[0], "Luc Perrin"), [("ACC-011", 1), ("ACC-002", 1)], PENDING),
]
OPENING_FLOAT = Decimal("150.00")

STORE_STAFF = [("cashier", "Camille Roux", Role.CASHIER), ("manager", "Marc Delorme", Role.STORE_MANAGER)]
CHAIN_STAFF = [
    ("warehouse", "Wassim Haddad", Role.WAREHOUSE),
    ("catalog", "Chloé Lambert", Role.CATALOG_MANAGER),
    ("head", "Hélène Marchand", Role.HEAD_OFFICE),
]


def email(login: str) -> str:
    """A demo person's login."""
    return f"{login}@demo.example"
