"""The past of a large chain, as data and SQL: what `manage.py generate_history` writes, at a rate no interface reaches.

What follows from numbers alone is worked out by the database itself, so that no row travels. Every draw is a hash of
what it is for: it comes out the same each time, in any order.

The tables' triggers fire as they do for a till: they keep the facts of the sales, and the audit trail.
"""

from decimal import Decimal

from config.demo import FOOD_TAX

STANDARD_TAX = Decimal("0.2000")

# Category, rate of tax, and its kinds of product with a usual price.
ASSORTMENT: list[tuple[str, Decimal, dict[str, int]]] = [
    ("Informatique", STANDARD_TAX, {"Clavier": 60, "Souris": 30, "Écran": 180, "Webcam": 50, "Disque SSD": 90}),
    ("Téléphonie", STANDARD_TAX, {"Coque": 15, "Chargeur": 25, "Câble USB-C": 12, "Écouteurs": 45, "Batterie": 32}),
    ("Maison", STANDARD_TAX, {"Lampe": 38, "Coussin": 22, "Plaid": 35, "Bougie": 12, "Cadre": 18, "Vase": 24}),
    ("Cuisine", STANDARD_TAX, {"Casserole": 40, "Couteau": 28, "Planche": 19, "Bol": 8, "Théière": 34, "Moule": 14}),
    ("Papeterie", STANDARD_TAX, {"Carnet": 9, "Stylo": 4, "Agenda": 16, "Classeur": 6, "Feutres": 11, "Trousse": 13}),
    ("Jouets", STANDARD_TAX, {"Puzzle": 17, "Peluche": 21, "Jeu de société": 29, "Cubes": 24, "Poupée": 26}),
    ("Bagages", STANDARD_TAX, {"Sac à dos": 55, "Valise": 95, "Parapluie": 19, "Gourde": 22, "Portefeuille": 36}),
    ("Boissons", FOOD_TAX, {"Café": 12, "Thé": 8, "Infusion": 5, "Jus": 4, "Sirop": 5, "Limonade": 3}),
    ("Confiserie", FOOD_TAX, {"Chocolat": 5, "Caramels": 7, "Nougat": 9, "Pralines": 7, "Sablés": 6, "Calissons": 13}),
    ("Épicerie", FOOD_TAX, {"Confiture": 5, "Miel": 8, "Huile d'olive": 14, "Pâtes": 3, "Riz": 4, "Moutarde": 3}),
]
MAKERS = ["Aldine", "Bergeron", "Calisto", "Dorval", "Estran", "Fontanel", "Garance", "Hélios", "Iris", "Jouvence"]
MAKERS += ["Kermor", "Lavandou", "Mistral", "Nacre", "Orsay", "Pastel", "Quercy", "Rivage", "Solstice", "Tramontane"]
TOWNS = ["Lyon", "Paris", "Lille", "Bordeaux", "Nantes", "Toulouse", "Nice", "Rennes", "Dijon", "Metz"]
TOWNS += ["Grenoble", "Angers", "Reims", "Tours", "Amiens", "Nîmes", "Brest", "Limoges", "Annecy", "Pau"]
STREETS = ["de la Gare", "de la République", "des Halles", "du Port", "Victor-Hugo", "Gambetta", "des Remparts"]
FIRST_NAMES = ["Alice", "Bruno", "Chloé", "David", "Emma", "Farid", "Gaëlle", "Hugo", "Inès", "Jules", "Karim", "Léa"]
LAST_NAMES = ["Martin", "Bernard", "Petit", "Robert", "Richard", "Durand", "Moreau", "Laurent", "Simon", "Roux"]

# How busy the days are from Monday to Sunday, and the months from January to December.
WEEKDAYS = [0.9, 0.85, 0.95, 1.0, 1.2, 1.7, 0.4]
SEASONS = [0.95, 0.85, 0.95, 0.95, 1.0, 1.05, 1.0, 0.85, 1.0, 1.0, 1.15, 1.6]

PRODUCT = ["id", "sku", "barcode", "name", "price", "tax_rate", "category_id", "description", "image_url", "stocked"]
PRODUCT += ["active", "created_at", "updated_at"]
PERSON = ["id", "email", "name", "password", "phone", "language", "is_superuser", "is_active", "created_at"]

# What the statements below draw and number; it ends with the connection.
PREPARE = """
CREATE TEMP TABLE drawn_store AS
    SELECT (row_number() OVER (ORDER BY name) - 1)::int AS number, id, time_zone FROM location WHERE kind = 'store';
CREATE TEMP TABLE drawn_customer AS SELECT (row_number() OVER (ORDER BY email) - 1)::int AS number, id FROM person;
CREATE TEMP TABLE drawn_product AS
    SELECT (row_number() OVER (ORDER BY sku) - 1)::int AS number, id, name, price, tax_rate FROM product;
ALTER TABLE drawn_customer ADD PRIMARY KEY (number);
ALTER TABLE drawn_product ADD PRIMARY KEY (number);
ANALYZE drawn_store, drawn_customer, drawn_product;

-- A number from 0 to below 1, for a thing and what it decides.
CREATE FUNCTION pg_temp.draw(thing bigint, decides int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8extended(thing, {seed} * 100 + decides) & 2147483647) / 2147483648.0::float8
$$;
-- An id in the shape of a UUIDv7, of which the time is given and the rest drawn.
CREATE FUNCTION pg_temp.id_at(moment timestamptz, kind text, thing bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(overlay(
        md5(kind || thing::text || '/{seed}')
        PLACING lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') FROM 1)
        PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid
$$
"""

# The warehouse holds everything. A store holds what is popular and some of the rest, and wants that filled up; of all
# else it has a row.
OPEN = """
WITH place AS (
    SELECT row_number() OVER (ORDER BY kind DESC, name) AS number, id, kind FROM location
), shelf AS (
    SELECT place.id AS location_id, kind, product.id AS product_id, place.number * 10000000 + product.number AS thing,
        power(1 - product.number::float8 / %(products)s, 4) AS popularity
    FROM place, drawn_product product
), level AS (
    INSERT INTO stock_level (location_id, product_id, moved_at, on_hand, reorder_point)
    SELECT location_id, product_id, %(moment)s,
        CASE
            WHEN kind = 'warehouse' THEN 200 + 2000 * pg_temp.draw(thing, 1)
            WHEN pg_temp.draw(thing, 2) < popularity THEN 4 + 20 * pg_temp.draw(thing, 1)
            ELSE 0
        END,
        CASE WHEN kind = 'store' AND pg_temp.draw(thing, 2) < popularity THEN 3 + 5 * pg_temp.draw(thing, 3) ELSE 0 END
    FROM shelf ORDER BY location_id, product_id
    RETURNING id, location_id, on_hand
)
INSERT INTO stock_movement (operation_id, level_id, delta, before, after, reason, document, note, recorded_at)
SELECT pg_temp.id_at(%(moment)s, 'opening', place.number), level.id, on_hand, 0, on_hand, 'receipt', 'opening stock',
    '', %(moment)s
FROM level JOIN place ON place.id = level.location_id WHERE on_hand > 0
"""

# A day of all stores: `firsts` and `lines` number what each of them sells. Lines stand on tickets of two or three; a
# ticket's place among those of the day gives its time, thickest before noon and in the late afternoon. What comes back
# is the first line of some sales of a week ago. The numbers of the receipts follow the time.
SELL = """
WITH drawn AS (
    SELECT shop.number AS store, n, floor(%(products)s * power(pg_temp.draw(n, 11), 3))::int AS product,
        CASE WHEN pg_temp.draw(n, 12) < 0.75 THEN 1 WHEN pg_temp.draw(n, 12) < 0.93 THEN 2 ELSE 3 END AS quantity,
        count(*) FILTER (WHERE n = shop.first OR pg_temp.draw(n, 13) < 0.4)
            OVER (PARTITION BY shop.number ORDER BY n) AS ticket
    FROM unnest(%(stores)s::int[], %(firsts)s::bigint[], %(lines)s::bigint[]) AS shop(number, first, lines),
        generate_series(shop.first, shop.first + shop.lines - 1) AS n
), placed AS (
    SELECT *, min(n) OVER ticket AS thing, row_number() OVER (ticket ORDER BY n) AS position,
        max(ticket) OVER (PARTITION BY store) AS tickets
    FROM drawn WINDOW ticket AS (PARTITION BY store, ticket)
), timed AS (
    SELECT placed.*, shop.id AS store_id, date_trunc('milliseconds', (
        %(day)s::date + time '09:00' + interval '11 hours' * (share + 0.05 * sin(4 * pi() * share))
    ) AT TIME ZONE shop.time_zone) AS sold_at, pg_temp.draw(thing, 14) < 0.04 AS is_online
    FROM placed JOIN drawn_store shop ON shop.number = placed.store,
        LATERAL (SELECT (ticket - 1 + pg_temp.draw(thing, 15)) / tickets AS share)
), returned AS (
    SELECT sale.store_id, sale.customer_id, line.*, payment.method, shop.time_zone,
        uuid_hash_extended(sale.id, %(seed)s) AS thing
    FROM sale
    JOIN sale_line line ON line.sale_id = sale.id AND line.position = 1
    JOIN sale_payment payment ON payment.sale_id = sale.id AND payment.position = 1
    JOIN drawn_store shop ON shop.id = sale.store_id
    WHERE sale.channel = 'till' AND sale.pieces > 0 AND uuid_hash_extended(sale.id, %(seed)s) %% 32 = 0
        AND sale.id >= %(from)s AND sale.id < %(to)s AND line.sale_id >= %(from)s AND line.sale_id < %(to)s
        AND payment.sale_id >= %(from)s AND payment.sale_id < %(to)s
), line AS (
    SELECT pg_temp.id_at(sold_at, 'sale', thing) AS sale_id, timed.store_id, sold_at, customer.id AS customer_id,
        CASE WHEN is_online THEN 'online' ELSE 'till' END AS channel,
        CASE WHEN NOT is_online AND pg_temp.draw(thing, 16) < 0.3 THEN 'cash' ELSE 'card' END AS method,
        position, product.id AS product_id, product.name, timed.quantity, product.price AS unit_price, product.tax_rate,
        total, round(total - total / (1 + product.tax_rate), 2) AS tax,
        NULL::uuid AS origin_sale_id, NULL::smallint AS origin_position
    FROM timed
    JOIN drawn_product product ON product.number = timed.product
    LEFT JOIN drawn_customer customer ON pg_temp.draw(thing, 17) < 0.1
        AND customer.number = floor(%(customers)s * power(pg_temp.draw(thing, 18), 2))::int,
        LATERAL (SELECT timed.quantity * product.price AS total)
    UNION ALL
    SELECT pg_temp.id_at(sold_at, 'return', thing), store_id, sold_at, customer_id, 'till', method,
        1, product_id, name, -quantity, unit_price, tax_rate, -total, -tax, sale_id, position
    FROM returned, LATERAL (SELECT date_trunc('milliseconds', (
        %(day)s::date + time '10:00' + interval '9 hours' * pg_temp.draw(thing, 19)
    ) AT TIME ZONE time_zone) AS sold_at)
), ticket AS (
    SELECT line.*, coalesce(counter.last, 0) + row_number() OVER (
        PARTITION BY line.store_id ORDER BY sold_at, sale_id
    ) AS receipt_number
    FROM (
        SELECT sale_id, store_id, sold_at, customer_id, channel, method, sum(tax) AS tax,
            sum(greatest(total, 0)) AS gross, sum(greatest(-total, 0)) AS returned,
            sum(greatest(quantity, 0)) AS pieces, sum(greatest(-quantity, 0)) AS pieces_returned
        FROM line GROUP BY sale_id, store_id, sold_at, customer_id, channel, method
    ) AS line
    LEFT JOIN receipt_counter counter
        ON counter.store_id = line.store_id AND counter.year = extract(year FROM %(day)s::date)
), heads AS (
    INSERT INTO sale (id, store_id, channel, sold_at, sold_on, recorded_at, customer_id, client_reference,
        receipt_year, receipt_number, currency, gross, returned, tax, pieces, pieces_returned)
    SELECT sale_id, store_id, channel, sold_at, %(day)s, sold_at, customer_id, '', extract(year FROM %(day)s::date),
        receipt_number, %(currency)s, gross, returned, tax, pieces, pieces_returned
    FROM ticket ORDER BY sale_id
), lines AS (
    INSERT INTO sale_line (sale_id, position, product_id, name, quantity, unit_price, tax_rate, tax, total,
        origin_sale_id, origin_position, restocked)
    SELECT sale_id, position, product_id, name, quantity, unit_price, tax_rate, tax, total,
        origin_sale_id, origin_position, CASE WHEN quantity < 0 THEN true END
    FROM line ORDER BY sale_id, position
), payments AS (
    INSERT INTO sale_payment (sale_id, position, method, amount, refundable)
    SELECT sale_id, 1, method, gross - returned, gross FROM ticket ORDER BY sale_id
), counters AS (
    INSERT INTO receipt_counter (store_id, year, last)
    SELECT store_id, extract(year FROM %(day)s::date), max(receipt_number) FROM ticket GROUP BY store_id
    ON CONFLICT (store_id, year) DO UPDATE SET last = EXCLUDED.last
), given_back AS (
    UPDATE sale_line SET quantity_returned = sale_line.quantity FROM returned
    WHERE sale_line.sale_id = returned.sale_id AND sale_line.position = returned.position
        AND sale_line.sale_id >= %(from)s AND sale_line.sale_id < %(to)s
)
UPDATE sale_payment SET refundable = refundable - returned.total FROM returned
WHERE sale_payment.sale_id = returned.sale_id AND sale_payment.position = 1
    AND sale_payment.sale_id >= %(from)s AND sale_payment.sale_id < %(to)s
"""

# What a month sold of more than a shelf held had been delivered before its first day, for some months.
DELIVER = """
WITH sold AS (
    SELECT sale.store_id, line.product_id, sum(line.quantity) AS pieces
    FROM sale JOIN sale_line line ON line.sale_id = sale.id
    WHERE line.quantity > 0 AND sale.id >= %(from)s AND sale.id < %(to)s
        AND line.sale_id >= %(from)s AND line.sale_id < %(to)s
    GROUP BY sale.store_id, line.product_id
), delivered AS (
    UPDATE stock_level level SET on_hand = level.on_hand + 3 * sold.pieces + 6, moved_at = %(moment)s FROM sold
    WHERE level.location_id = sold.store_id AND level.product_id = sold.product_id AND level.on_hand < sold.pieces
    RETURNING level.id, level.location_id, level.on_hand AS after, 3 * sold.pieces + 6 AS delta
)
INSERT INTO stock_movement (operation_id, level_id, delta, before, after, reason, document, note, recorded_at)
SELECT pg_temp.id_at(%(moment)s, 'delivery', shop.number), delivered.id, delta, after - delta, after, 'receipt',
    'delivery', '', %(moment)s
FROM delivered JOIN drawn_store shop ON shop.id = delivered.location_id
"""

# The goods of a month's sales, a line of the ledger for each product of a ticket, as a till writes them.
ISSUE = """
WITH moved AS (
    SELECT sale.id AS operation_id, level.id AS level_id, min(level.on_hand) AS on_hand, -sum(line.quantity) AS delta,
        min(sale.sold_at) AS moved_at, CASE
            WHEN min(sale.pieces_returned) > 0 THEN 'return' WHEN min(sale.channel) = 'online' THEN 'order' ELSE 'sale'
        END AS reason
    FROM sale
    JOIN sale_line line ON line.sale_id = sale.id
    JOIN stock_level level ON level.location_id = sale.store_id AND level.product_id = line.product_id
    WHERE sale.id >= %(from)s AND sale.id < %(to)s AND line.sale_id >= %(from)s AND line.sale_id < %(to)s
    GROUP BY sale.id, level.id
), posted AS (
    INSERT INTO stock_movement (operation_id, level_id, delta, before, after, reason, document, note, recorded_at)
    SELECT operation_id, level_id, delta, after - delta, after, reason, 'sale ' || operation_id, '', moved_at
    FROM (
        SELECT *, on_hand + sum(delta) OVER (PARTITION BY level_id ORDER BY operation_id) AS after FROM moved
    ) AS running ORDER BY operation_id
    RETURNING level_id, delta, after, recorded_at
)
UPDATE stock_level SET on_hand = on_hand + total.delta, moved_at = greatest(stock_level.moved_at, total.moved_at),
    emptied_at = greatest(stock_level.emptied_at, total.emptied_at)
FROM (
    SELECT level_id, sum(delta) AS delta, max(recorded_at) AS moved_at,
        max(recorded_at) FILTER (WHERE delta < 0 AND after = 0) AS emptied_at
    FROM posted GROUP BY level_id
) AS total
WHERE stock_level.id = total.level_id
"""
