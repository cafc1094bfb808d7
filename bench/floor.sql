-- What capture writes for an order of three lines, one order a transaction, as a careful hand would write it: the same rows in the
-- same tables under the same constraints, stock guarded and taken in key order, ids by time. Left out is all that capture does
-- besides: the notification, the look-ups, the checks, HTTP.
\set a random_zipfian(1, 1000, 1.001)
\set b random_zipfian(1, 1000, 1.001)
\set c random_zipfian(1, 1000, 1.001)
\set s1 10000 + least(:a, :b, :c)
\set s3 10000 + greatest(:a, :b, :c)
\set s2 30000 + :a + :b + :c - :s1 - :s3
\set n random(1, :nodes)
\set key random(1, 9000000000000000)
BEGIN;
SELECT id AS node FROM network.nodes WHERE code = 'N' || :n \gset
INSERT INTO orders.orders (id, number, channel_id, external_id, body_hash, placed_at, currency, buyer, ship_to, service_level, priority,
  tags, flags, subtotal, discount, shipping, tax, adjustment, total, promise_at, ship_complete, min_rank, max_rank, payment_status)
VALUES (uuidv7(), 'OL-' || nextval('orders.order_number'), :channel::uuid, 'pgb-' || :key::text, '\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  '2026-03-02T15:04:05Z', 'USD', '{"name":"Ada Buyer","email":"ada@example.com","notify":["email"],"locale":"en"}',
  '{"name":"Ada Buyer","line1":"500 Main St","line2":"","city":"Columbus","region":"OH","postcode":"43215","country":"US","phone":"","residential": true,"latitude": null,"longitude": null}',
  'standard', 0, '{}', '[]', 3000, 0, 0, 0, 0, 3000, '2026-03-09T23:59:59Z', false, 200, 200, 'pending')
RETURNING id AS o \gset
WITH made AS (
  INSERT INTO orders.lines (id, order_id, position, is_kit, sku, name, quantity, unit_price, discount, tax, total, min_rank, max_rank)
  VALUES (uuidv7(), :o::uuid, 1, false, 'S' || :s1::text, 'Item S' || :s1, 1, 1000, 0, 0, 1000, 200, 200),
         (uuidv7(), :o::uuid, 2, false, 'S' || :s2::text, 'Item S' || :s2, 1, 1000, 0, 0, 1000, 200, 200),
         (uuidv7(), :o::uuid, 3, false, 'S' || :s3::text, 'Item S' || :s3, 1, 1000, 0, 0, 1000, 200, 200)
  RETURNING id, order_id, sku, quantity
)
INSERT INTO orders.slices (order_id, line_id, sku, quantity, rank, node_id)
SELECT order_id, id, sku, quantity, 200, :node::uuid FROM made;
UPDATE inventory.stock SET reserved = reserved + 1, version = version + 1, updated_at = clock_timestamp()
WHERE node_id = :node::uuid AND sku = 'S' || :s1::text AND on_hand - damaged - quality_control - reserved - allocated - safety_stock >= 1;
UPDATE inventory.stock SET reserved = reserved + 1, version = version + 1, updated_at = clock_timestamp()
WHERE node_id = :node::uuid AND sku = 'S' || :s2::text AND on_hand - damaged - quality_control - reserved - allocated - safety_stock >= 1;
UPDATE inventory.stock SET reserved = reserved + 1, version = version + 1, updated_at = clock_timestamp()
WHERE node_id = :node::uuid AND sku = 'S' || :s3::text AND on_hand - damaged - quality_control - reserved - allocated - safety_stock >= 1;
INSERT INTO inventory.movements (node_id, sku, kind, reserved_delta, cause_type, cause_id, actor)
VALUES (:node::uuid, 'S' || :s1::text, 'reserved', 1, 'order', :o::uuid, 'key-bench'),
       (:node::uuid, 'S' || :s2::text, 'reserved', 1, 'order', :o::uuid, 'key-bench'),
       (:node::uuid, 'S' || :s3::text, 'reserved', 1, 'order', :o::uuid, 'key-bench');
INSERT INTO payments.intents (order_id, sequence, gateway, method, token, amount, currency)
VALUES (:o::uuid, 1, 'sandbox', 'card', 'tok_approve', 3000, 'USD');
INSERT INTO plumbing.events (type, entity, entity_id, order_id, channel_id, version, actor, request_id, data)
VALUES ('order.captured', 'order', :o::uuid, :o::uuid, :channel::uuid, 1, 'key-bench', 'req_0123456789abcdef0123456789abcdef',
  jsonb_build_object('number', 'OL-123456', 'channel', 'web', 'external_id', 'pgb-' || :key::text,
    'total', '{"amount":3000,"currency":"USD"}'::jsonb, 'placed_at', '2026-03-02T15:04:05+00:00'));
INSERT INTO plumbing.subjects (journey, subject_id, step, priority) VALUES ('order', :o::uuid, :step, 0);
INSERT INTO plumbing.idempotency (credential, route, key, body_hash, status, body)
VALUES ('0193b2f0-a1c2-7d3e-8f4a-5b6c7d8e9f00', 'POST /v1/orders', 'pgb-' || :key::text,
  '\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 201,
  convert_to('{"id":"ord_0193b2f0a1c27d3e8f4a5b6c7d8e9f00","number":"OL-123456","external_id":"pgb-' || :key::text || '","duplicate": false,"differs":[]}', 'UTF8'));
COMMIT;
