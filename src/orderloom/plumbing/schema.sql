-- Generated from the migrations by `make schema`: read it, never edit it.

CREATE SCHEMA catalog;

CREATE SCHEMA delivery;

CREATE SCHEMA inventory;

CREATE SCHEMA network;

CREATE SCHEMA notices;

CREATE SCHEMA orders;

CREATE SCHEMA packing;

CREATE SCHEMA payments;

CREATE SCHEMA plumbing;

CREATE SCHEMA returns;

CREATE SCHEMA routing;

CREATE SCHEMA shipping;

CREATE SCHEMA sync;

CREATE TABLE orders.orders (
    id uuid NOT NULL,
    number text NOT NULL,
    channel_id uuid NOT NULL,
    external_id text NOT NULL,
    body_hash bytea NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    decide_as_of timestamp with time zone,
    currency character(3) NOT NULL,
    buyer jsonb NOT NULL,
    ship_to jsonb NOT NULL,
    service_level text DEFAULT 'standard'::text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    flags jsonb DEFAULT '[]'::jsonb NOT NULL,
    subtotal bigint NOT NULL,
    discount bigint NOT NULL,
    shipping bigint NOT NULL,
    tax bigint NOT NULL,
    adjustment bigint DEFAULT 0 NOT NULL,
    total bigint NOT NULL,
    promise_at timestamp with time zone,
    ship_complete boolean DEFAULT false NOT NULL,
    lifecycle text DEFAULT 'open'::text NOT NULL,
    min_rank smallint DEFAULT 100 NOT NULL,
    max_rank smallint DEFAULT 100 NOT NULL,
    payment_status text DEFAULT 'unpaid'::text NOT NULL,
    return_status text DEFAULT 'none'::text NOT NULL,
    late boolean DEFAULT false NOT NULL,
    delivered_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT orders_check CHECK ((total = ((((subtotal - discount) + shipping) + tax) + adjustment))),
    CONSTRAINT orders_discount_check CHECK ((discount >= 0)),
    CONSTRAINT orders_lifecycle_check CHECK ((lifecycle = ANY (ARRAY['draft'::text, 'open'::text, 'closed'::text, 'cancelled'::text]))),
    CONSTRAINT orders_shipping_check CHECK ((shipping >= 0)),
    CONSTRAINT orders_tax_check CHECK ((tax >= 0)),
    CONSTRAINT orders_total_check CHECK ((total >= 0))
)
WITH (fillfactor='60');

CREATE FUNCTION orders.known(channels uuid[], names text[]) RETURNS SETOF orders.orders
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
SELECT o.* FROM unnest(channels, names) AS t (channel_id, external_id)
JOIN orders.orders AS o USING (channel_id, external_id)
$$;

CREATE FUNCTION orders.refuse_stray_fulfillments() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS f LEFT JOIN orders.orders AS o ON o.id = f.order_id WHERE o.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT node_id FROM fresh) AS f LEFT JOIN network.nodes AS n ON n.id = f.node_id
                WHERE n.id IS NULL) THEN
    RAISE EXCEPTION 'a fulfillment order is of no order or no node' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION orders.refuse_stray_lines() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT order_id FROM fresh) AS l LEFT JOIN orders.orders AS o ON o.id = l.order_id
             WHERE o.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT sku FROM fresh) AS l LEFT JOIN catalog.items AS i USING (sku) WHERE i.sku IS NULL)
     OR EXISTS (SELECT FROM fresh AS l LEFT JOIN orders.lines AS k ON k.id = l.kit_line_id AND k.order_id = l.order_id
                WHERE k.id IS NULL AND l.kit_line_id IS NOT NULL)
     OR EXISTS (SELECT FROM fresh AS l LEFT JOIN network.nodes AS n ON n.id = l.fixed_node_id
                WHERE n.id IS NULL AND l.fixed_node_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a line is of no order, item or kit, or fixed to no node' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION orders.refuse_stray_orders() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT channel_id FROM fresh) AS o LEFT JOIN network.channels AS c ON c.id = o.channel_id
             WHERE c.id IS NULL) THEN
    RAISE EXCEPTION 'an order is of no channel' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION orders.refuse_stray_slices() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS s LEFT JOIN orders.lines AS l ON l.id = s.line_id AND l.order_id = s.order_id
             WHERE l.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT node_id FROM fresh) AS s LEFT JOIN network.nodes AS n ON n.id = s.node_id
                WHERE n.id IS NULL AND s.node_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a slice is of no line of its order, or at no node' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE SEQUENCE orders.fulfillment_number
    START WITH 500001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE orders.fulfillments (
    id uuid NOT NULL,
    number text DEFAULT ('FO-'::text || (nextval('orders.fulfillment_number'::regclass))::text) NOT NULL,
    order_id uuid NOT NULL,
    node_id uuid NOT NULL,
    decision_id uuid,
    carrier text,
    service text,
    planned_cost bigint DEFAULT 0 NOT NULL,
    ship_by timestamp with time zone,
    status text DEFAULT 'open'::text NOT NULL,
    request_status text DEFAULT 'unsubmitted'::text NOT NULL,
    min_rank smallint DEFAULT 400 NOT NULL,
    max_rank smallint DEFAULT 400 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT fulfillments_request_status_check CHECK ((request_status = ANY (ARRAY['unsubmitted'::text, 'submitted'::text, 'accepted'::text, 'rejected'::text, 'cancellation_requested'::text, 'cancellation_accepted'::text, 'cancellation_rejected'::text, 'closed'::text]))),
    CONSTRAINT fulfillments_status_check CHECK ((status = ANY (ARRAY['open'::text, 'scheduled'::text, 'in_progress'::text, 'closed'::text, 'incomplete'::text, 'cancelled'::text])))
)
WITH (fillfactor='60');

CREATE FUNCTION orders.works_of(orders uuid[]) RETURNS SETOF orders.fulfillments
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    AS $$
SELECT f.* FROM orders.fulfillments AS f WHERE f.order_id = ANY(orders)
$$;

CREATE FUNCTION payments.refuse_stray_intents() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS i LEFT JOIN orders.orders AS o ON o.id = i.order_id WHERE o.id IS NULL) THEN
    RAISE EXCEPTION 'an intent is of no order' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION payments.refuse_stray_transactions() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS t LEFT JOIN payments.intents AS i ON i.id = t.intent_id AND i.order_id = t.order_id
             WHERE i.id IS NULL) THEN
    RAISE EXCEPTION 'a transaction is of no intent of its order' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE TABLE plumbing.idempotency (
    credential text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint,
    body bytea,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT idempotency_key_check CHECK ((length(key) <= 255))
);

CREATE FUNCTION plumbing.answered(credentials text[], routes text[], keys text[]) RETURNS SETOF plumbing.idempotency
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
SELECT i.* FROM unnest(credentials, routes, keys) AS t (credential, route, key)
JOIN plumbing.idempotency AS i USING (credential, route, key)
$$;

CREATE FUNCTION plumbing.keep_before() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
  EXECUTE format('INSERT INTO %I.%I (key, was) VALUES ($1, $2) ON CONFLICT DO NOTHING', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_before')
  USING to_jsonb(OLD) ->> TG_ARGV[0], to_jsonb(OLD);
  RETURN NULL;
END $_$;

CREATE FUNCTION plumbing.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION '%.% keeps its rows as they are: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END $$;

CREATE FUNCTION routing.refuse_stray_decisions() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_material TO 'off'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS d LEFT JOIN orders.orders AS o ON o.id = d.order_id WHERE o.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT profile_id FROM fresh) AS d LEFT JOIN routing.profiles AS p ON p.id = d.profile_id
                WHERE p.id IS NULL AND d.profile_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a decision is of no order or no profile' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE TABLE catalog.items (
    id uuid DEFAULT uuidv7() NOT NULL,
    sku text NOT NULL,
    gtin text,
    name text NOT NULL,
    weight_g integer NOT NULL,
    length_mm integer NOT NULL,
    width_mm integer NOT NULL,
    height_mm integer NOT NULL,
    as_given jsonb,
    list_price bigint,
    currency character(3),
    fragile boolean DEFAULT false NOT NULL,
    this_side_up boolean DEFAULT false NOT NULL,
    hazmat_class text,
    ships_alone boolean DEFAULT false NOT NULL,
    handling jsonb DEFAULT '{}'::jsonb NOT NULL,
    backorder text DEFAULT 'refuse'::text NOT NULL,
    sold_from date,
    tracked_by text,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT items_backorder_check CHECK ((backorder = ANY (ARRAY['refuse'::text, 'from_supply'::text, 'always'::text]))),
    CONSTRAINT items_height_mm_check CHECK ((height_mm >= 0)),
    CONSTRAINT items_length_mm_check CHECK ((length_mm >= 0)),
    CONSTRAINT items_list_price_check CHECK ((list_price >= 0)),
    CONSTRAINT items_tracked_by_check CHECK ((tracked_by = ANY (ARRAY['lot'::text, 'serial'::text]))),
    CONSTRAINT items_weight_g_check CHECK ((weight_g >= 0)),
    CONSTRAINT items_width_mm_check CHECK ((width_mm >= 0))
);

CREATE TABLE catalog.items_before (
    key text NOT NULL,
    until timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    was jsonb NOT NULL
);

CREATE TABLE catalog.kit_components (
    kit_sku text NOT NULL,
    component_sku text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT kit_components_check CHECK ((kit_sku <> component_sku)),
    CONSTRAINT kit_components_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE delivery.parcels (
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    order_id uuid NOT NULL,
    package_id uuid,
    fulfillment_id uuid,
    return_id uuid,
    status text DEFAULT 'pending'::text NOT NULL,
    promise_at timestamp with time zone,
    first_scan_at timestamp with time zone,
    last_event_at timestamp with time zone,
    delivered_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT parcels_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'info_received'::text, 'in_transit'::text, 'out_for_delivery'::text, 'attempt_failed'::text, 'available_for_pickup'::text, 'delivered'::text, 'exception'::text, 'return_to_sender'::text, 'expired'::text])))
);

CREATE TABLE delivery.proofs (
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    kind text NOT NULL,
    signed_by text,
    reference text,
    taken_at timestamp with time zone NOT NULL,
    CONSTRAINT proofs_kind_check CHECK ((kind = ANY (ARRAY['signature'::text, 'photo'::text, 'pin'::text, 'scan'::text])))
);

CREATE TABLE delivery.tracking_events (
    id bigint NOT NULL,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    code text NOT NULL,
    status text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    raw jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE delivery.tracking_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME delivery.tracking_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE delivery.transit_models (
    version integer NOT NULL,
    deliveries integer NOT NULL,
    tables jsonb NOT NULL,
    weeks jsonb NOT NULL,
    learnt_at timestamp with time zone NOT NULL,
    CONSTRAINT transit_models_deliveries_check CHECK ((deliveries >= 0))
);

ALTER TABLE delivery.transit_models ALTER COLUMN version ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME delivery.transit_models_version_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.allotments (
    sku text NOT NULL,
    channel_id uuid NOT NULL,
    kind text NOT NULL,
    units integer,
    permille integer,
    takes_shared boolean DEFAULT true NOT NULL,
    drawn integer DEFAULT 0 NOT NULL,
    ends_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT allotments_check CHECK ((((kind = 'fixed'::text) = (units IS NOT NULL)) AND ((kind = 'share'::text) = (permille IS NOT NULL)))),
    CONSTRAINT allotments_kind_check CHECK ((kind = ANY (ARRAY['fixed'::text, 'share'::text, 'none'::text]))),
    CONSTRAINT allotments_permille_check CHECK (((permille >= 0) AND (permille <= 1000))),
    CONSTRAINT allotments_units_check CHECK ((units >= 0))
);

CREATE TABLE inventory.supplies (
    id uuid DEFAULT uuidv7() NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    node_id uuid NOT NULL,
    from_node uuid,
    state text DEFAULT 'open'::text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT supplies_check CHECK (((kind = 'transfer'::text) = (from_node IS NOT NULL))),
    CONSTRAINT supplies_kind_check CHECK ((kind = ANY (ARRAY['purchase_order'::text, 'ship_notice'::text, 'transfer'::text]))),
    CONSTRAINT supplies_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text, 'cancelled'::text])))
);

CREATE TABLE inventory.supply_lines (
    supply_id uuid NOT NULL,
    "position" smallint NOT NULL,
    sku text NOT NULL,
    expected integer NOT NULL,
    received integer DEFAULT 0 NOT NULL,
    lost integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone,
    of_supply uuid,
    of_position smallint,
    CONSTRAINT supply_lines_expected_check CHECK ((expected > 0)),
    CONSTRAINT supply_lines_lost_check CHECK ((lost >= 0)),
    CONSTRAINT supply_lines_received_check CHECK ((received >= 0))
);

CREATE VIEW inventory.coming AS
 SELECT s.id AS supply_id,
    l."position",
    l.sku,
    s.kind,
    s.reference,
    s.node_id,
    s.from_node,
    COALESCE(l.due_at, s.due_at) AS due_at,
    (((l.expected - l.received) - l.lost) - t.units) AS units
   FROM ((inventory.supplies s
     JOIN inventory.supply_lines l ON ((l.supply_id = s.id)))
     CROSS JOIN LATERAL ( SELECT (COALESCE(sum(
                CASE n.state
                    WHEN 'open'::text THEN GREATEST(a.expected, a.received)
                    ELSE a.received
                END), (0)::bigint))::integer AS units
           FROM (inventory.supply_lines a
             JOIN inventory.supplies n ON ((n.id = a.supply_id)))
          WHERE ((a.of_supply = l.supply_id) AND (a.of_position = l."position"))) t)
  WHERE ((s.state = 'open'::text) AND ((((l.expected - l.received) - l.lost) - t.units) > 0));

CREATE TABLE inventory.count_lines (
    count_id uuid NOT NULL,
    sku text NOT NULL,
    counted integer,
    counted_at timestamp with time zone,
    counted_by text,
    recounts smallint DEFAULT 0 NOT NULL,
    lots jsonb,
    expected integer,
    CONSTRAINT count_lines_counted_check CHECK ((counted >= 0))
);

CREATE SEQUENCE inventory.count_number
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE inventory.counts (
    id uuid DEFAULT uuidv7() NOT NULL,
    number text NOT NULL,
    node_id uuid NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    blind boolean DEFAULT true NOT NULL,
    tolerance integer DEFAULT 0 NOT NULL,
    created_by text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT counts_state_check CHECK ((state = ANY (ARRAY['open'::text, 'posted'::text, 'cancelled'::text]))),
    CONSTRAINT counts_tolerance_check CHECK ((tolerance >= 0))
);

CREATE TABLE inventory.lot_movements (
    id bigint NOT NULL,
    node_id uuid NOT NULL,
    sku text NOT NULL,
    lot text NOT NULL,
    on_hand_delta integer DEFAULT 0 NOT NULL,
    allocated_delta integer DEFAULT 0 NOT NULL,
    cause_type text NOT NULL,
    cause_id uuid,
    actor text NOT NULL,
    reason text,
    as_of timestamp with time zone,
    moved_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE inventory.lot_movements ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.lot_movements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.lot_picks (
    fulfillment_id uuid NOT NULL,
    line_id uuid NOT NULL,
    node_id uuid NOT NULL,
    sku text NOT NULL,
    lot text NOT NULL,
    quantity integer NOT NULL,
    shipped boolean DEFAULT false NOT NULL,
    CONSTRAINT lot_picks_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE inventory.lots (
    node_id uuid NOT NULL,
    sku text NOT NULL,
    lot text NOT NULL,
    expires_on date,
    on_hand integer DEFAULT 0 NOT NULL,
    allocated integer DEFAULT 0 NOT NULL,
    expired integer DEFAULT 0 NOT NULL,
    serial boolean DEFAULT false NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT lots_allocated_check CHECK ((allocated >= 0)),
    CONSTRAINT lots_check CHECK (((allocated + expired) <= on_hand)),
    CONSTRAINT lots_check1 CHECK (((NOT serial) OR (on_hand <= 1))),
    CONSTRAINT lots_expired_check CHECK ((expired >= 0)),
    CONSTRAINT lots_on_hand_check CHECK ((on_hand >= 0))
);

CREATE TABLE inventory.movements (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    node_id uuid NOT NULL,
    sku text NOT NULL,
    kind text NOT NULL,
    on_hand_delta integer DEFAULT 0 NOT NULL,
    reserved_delta integer DEFAULT 0 NOT NULL,
    allocated_delta integer DEFAULT 0 NOT NULL,
    damaged_delta integer DEFAULT 0 NOT NULL,
    quality_control_delta integer DEFAULT 0 NOT NULL,
    cause_type text NOT NULL,
    cause_id uuid,
    actor text NOT NULL,
    reason text,
    as_of timestamp with time zone,
    moved_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT movements_kind_check CHECK ((kind = ANY (ARRAY['received'::text, 'reserved'::text, 'unreserved'::text, 'allocated'::text, 'unallocated'::text, 'shipped'::text, 'adjusted'::text, 'counted'::text, 'transferred'::text, 'returned'::text, 'disposed'::text])))
);

ALTER TABLE inventory.movements ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.movements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.reservation_lines (
    reservation_id uuid NOT NULL,
    "position" smallint NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT reservation_lines_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE inventory.reservation_units (
    reservation_id uuid NOT NULL,
    "position" smallint NOT NULL,
    node_id uuid NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT reservation_units_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE inventory.reservations (
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    owner text,
    state text DEFAULT 'open'::text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    order_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT reservations_check CHECK (((state = 'consumed'::text) = (order_id IS NOT NULL))),
    CONSTRAINT reservations_state_check CHECK ((state = ANY (ARRAY['open'::text, 'consumed'::text, 'cancelled'::text, 'expired'::text])))
)
WITH (fillfactor='60');

CREATE TABLE inventory.safety_rules (
    id uuid DEFAULT uuidv7() NOT NULL,
    channel_id uuid,
    node_id uuid,
    sku text,
    units integer NOT NULL,
    source text DEFAULT 'set'::text NOT NULL,
    basis jsonb,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    watched bigint,
    available integer DEFAULT 0 NOT NULL,
    exposures integer DEFAULT 0 NOT NULL,
    oversold integer DEFAULT 0 NOT NULL,
    CONSTRAINT safety_rules_source_check CHECK ((source = ANY (ARRAY['set'::text, 'computed'::text]))),
    CONSTRAINT safety_rules_units_check CHECK ((units >= 0))
);

CREATE TABLE inventory.snapshots (
    source text NOT NULL,
    node_id uuid NOT NULL,
    sku text NOT NULL,
    as_of timestamp with time zone,
    sequence bigint,
    on_hand integer NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT snapshots_on_hand_check CHECK ((on_hand >= 0))
);

CREATE TABLE inventory.stock (
    node_id uuid NOT NULL,
    sku text NOT NULL,
    on_hand integer DEFAULT 0 NOT NULL,
    reserved integer DEFAULT 0 NOT NULL,
    allocated integer DEFAULT 0 NOT NULL,
    damaged integer DEFAULT 0 NOT NULL,
    quality_control integer DEFAULT 0 NOT NULL,
    safety_stock integer DEFAULT 0 NOT NULL,
    backorder_limit integer DEFAULT 0 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT never_oversold CHECK (((reserved >= 0) AND (allocated >= 0) AND ((((reserved + allocated) + damaged) + quality_control) <= (on_hand + backorder_limit)))),
    CONSTRAINT stock_backorder_limit_check CHECK ((backorder_limit >= 0)),
    CONSTRAINT stock_check CHECK (((damaged >= 0) AND (quality_control >= 0) AND (on_hand >= (damaged + quality_control)))),
    CONSTRAINT stock_safety_stock_check CHECK ((safety_stock >= 0))
)
WITH (fillfactor='40');

CREATE TABLE inventory.tallies (
    node_id uuid NOT NULL,
    sku text NOT NULL,
    kind text NOT NULL,
    through bigint NOT NULL,
    entries bigint NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    allocated bigint NOT NULL,
    damaged bigint NOT NULL,
    quality_control bigint NOT NULL
);

CREATE TABLE network.channels (
    id uuid DEFAULT uuidv7() NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    currency character(3) NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    on_shortage text DEFAULT 'refuse'::text NOT NULL,
    promise_days jsonb DEFAULT '{"standard": 5, "expedited": 2, "overnight": 1}'::jsonb NOT NULL,
    split_policy jsonb DEFAULT '{"max_shipments": 4}'::jsonb NOT NULL,
    promise_confidence smallint DEFAULT 900 NOT NULL,
    review_above bigint,
    notices text[] DEFAULT '{email}'::text[] NOT NULL,
    excluded_nodes text[] DEFAULT '{}'::text[] NOT NULL,
    availability_feed jsonb,
    edit_rules jsonb DEFAULT '[]'::jsonb NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT channels_on_shortage_check CHECK ((on_shortage = ANY (ARRAY['refuse'::text, 'accept'::text]))),
    CONSTRAINT channels_promise_confidence_check CHECK (((promise_confidence >= 500) AND (promise_confidence <= 999))),
    CONSTRAINT channels_type_check CHECK ((type = ANY (ARRAY['site'::text, 'marketplace'::text, 'store'::text, 'edi'::text, 'file'::text])))
);

CREATE TABLE network.nodes (
    id uuid DEFAULT uuidv7() NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    address jsonb NOT NULL,
    latitude double precision,
    longitude double precision,
    time_zone text NOT NULL,
    working_days smallint[] DEFAULT '{1,2,3,4,5}'::smallint[] NOT NULL,
    holidays date[] DEFAULT '{}'::date[] NOT NULL,
    cutoffs jsonb DEFAULT '{}'::jsonb NOT NULL,
    processing_hours integer DEFAULT 4 NOT NULL,
    daily_capacity integer,
    pick_cost bigint DEFAULT 0 NOT NULL,
    unit_cost bigint DEFAULT 0 NOT NULL,
    ships_hazmat boolean DEFAULT false NOT NULL,
    services text[],
    channels text[],
    groups text[] DEFAULT '{}'::text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    closed_since timestamp with time zone,
    closed_because text,
    reopens_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT nodes_check CHECK (((closed_since IS NULL) = (closed_because IS NULL))),
    CONSTRAINT nodes_check1 CHECK (((closed_since IS NOT NULL) OR (reopens_at IS NULL))),
    CONSTRAINT nodes_daily_capacity_check CHECK ((daily_capacity >= 0)),
    CONSTRAINT nodes_pick_cost_check CHECK ((pick_cost >= 0)),
    CONSTRAINT nodes_processing_hours_check CHECK ((processing_hours >= 0)),
    CONSTRAINT nodes_type_check CHECK ((type = ANY (ARRAY['fulfillment_center'::text, 'store'::text, 'third_party'::text, 'drop_ship'::text, 'virtual'::text]))),
    CONSTRAINT nodes_unit_cost_check CHECK ((unit_cost >= 0))
);

CREATE TABLE network.nodes_before (
    key text NOT NULL,
    until timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    was jsonb NOT NULL
);

CREATE TABLE notices.notices (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    event text NOT NULL,
    trigger_id uuid NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text DEFAULT ''::text NOT NULL,
    key text NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    problem text,
    sent_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT notices_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text, 'app'::text]))),
    CONSTRAINT notices_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);

CREATE TABLE orders.bulk_jobs (
    id uuid NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'receiving'::text NOT NULL,
    on_error text NOT NULL,
    dry_run boolean DEFAULT false NOT NULL,
    credential uuid,
    created_by text NOT NULL,
    rows integer DEFAULT 0 NOT NULL,
    created integer DEFAULT 0 NOT NULL,
    duplicates integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    request_key text,
    request_digest bytea,
    CONSTRAINT bulk_jobs_check CHECK (((ended_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'cancelled'::text])))),
    CONSTRAINT bulk_jobs_on_error_check CHECK ((on_error = ANY (ARRAY['reject_all'::text, 'reject_failed'::text, 'ignore_failed'::text]))),
    CONSTRAINT bulk_jobs_state_check CHECK ((state = ANY (ARRAY['receiving'::text, 'running'::text, 'done'::text, 'cancelled'::text])))
);

CREATE TABLE orders.bulk_rows (
    job_id uuid NOT NULL,
    "row" integer NOT NULL,
    external_id text,
    draft jsonb,
    outcome text,
    order_id uuid,
    faults jsonb,
    CONSTRAINT bulk_rows_check CHECK (((draft IS NULL) <> (outcome IS NULL))),
    CONSTRAINT bulk_rows_outcome_check CHECK ((outcome = ANY (ARRAY['created'::text, 'duplicate'::text, 'invalid'::text, 'too_large'::text, 'insufficient_stock'::text, 'not_kept'::text, 'cancelled'::text, 'defect'::text])))
);

CREATE TABLE orders.cancellation_requests (
    fulfillment_id uuid NOT NULL,
    line_id uuid NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT cancellation_requests_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE orders.exceptions (
    id uuid DEFAULT uuidv7() NOT NULL,
    kind text NOT NULL,
    order_id uuid,
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    detail text NOT NULL,
    way_out text NOT NULL,
    owner text,
    due_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    resolution text
);

CREATE TABLE orders.holds (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    line_id uuid,
    fulfillment_id uuid,
    type text NOT NULL,
    blocks text[] NOT NULL,
    note text,
    raised_by text NOT NULL,
    raised_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    due_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone,
    cleared_by text
);

CREATE TABLE orders.lines (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    "position" smallint NOT NULL,
    kit_line_id uuid,
    is_kit boolean DEFAULT false NOT NULL,
    external_id text,
    sku text NOT NULL,
    name text NOT NULL,
    quantity integer NOT NULL,
    unit_price bigint NOT NULL,
    discount bigint DEFAULT 0 NOT NULL,
    tax bigint DEFAULT 0 NOT NULL,
    total bigint NOT NULL,
    fixed_node_id uuid,
    min_rank smallint DEFAULT 100 NOT NULL,
    max_rank smallint DEFAULT 100 NOT NULL,
    CONSTRAINT lines_discount_check CHECK ((discount >= 0)),
    CONSTRAINT lines_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT lines_tax_check CHECK ((tax >= 0)),
    CONSTRAINT lines_total_check CHECK ((total >= 0)),
    CONSTRAINT lines_unit_price_check CHECK ((unit_price >= 0))
)
WITH (fillfactor='50');

CREATE SEQUENCE orders.order_number
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE orders.repromises (
    order_id uuid NOT NULL,
    was timestamp with time zone NOT NULL,
    promise_at timestamp with time zone NOT NULL,
    why text NOT NULL,
    slip boolean NOT NULL,
    made_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT repromises_check CHECK (((promise_at <> was) AND ((NOT slip) OR (promise_at > was))))
);

CREATE TABLE orders.slices (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    line_id uuid NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    rank smallint NOT NULL,
    node_id uuid,
    fulfillment_id uuid,
    CONSTRAINT slices_check CHECK ((((rank >= 200) AND (rank <= 800)) <= (node_id IS NOT NULL))),
    CONSTRAINT slices_check1 CHECK ((((rank >= 400) AND (rank <= 800)) <= (fulfillment_id IS NOT NULL))),
    CONSTRAINT slices_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT slices_rank_check CHECK ((rank = ANY (ARRAY[100, 110, 120, 150, 200, 300, 400, 450, 500, 550, 600, 700, 800, 900])))
)
WITH (fillfactor='50');

CREATE TABLE packing.cartons (
    code text NOT NULL,
    name text NOT NULL,
    outer_mm integer[] NOT NULL,
    inner_mm integer[] NOT NULL,
    tare_g integer NOT NULL,
    max_weight_g integer NOT NULL,
    cost bigint DEFAULT 0 NOT NULL,
    flexible boolean DEFAULT false NOT NULL,
    active boolean DEFAULT true NOT NULL,
    CONSTRAINT cartons_cost_check CHECK ((cost >= 0)),
    CONSTRAINT cartons_inner_mm_check CHECK ((cardinality(inner_mm) = 3)),
    CONSTRAINT cartons_max_weight_g_check CHECK ((max_weight_g > 0)),
    CONSTRAINT cartons_outer_mm_check CHECK ((cardinality(outer_mm) = 3)),
    CONSTRAINT cartons_tare_g_check CHECK ((tare_g >= 0))
);

CREATE TABLE packing.cartons_before (
    key text NOT NULL,
    until timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    was jsonb NOT NULL
);

CREATE TABLE packing.node_cartons (
    node_id uuid NOT NULL,
    carton text NOT NULL,
    stock integer,
    CONSTRAINT node_cartons_stock_check CHECK ((stock >= 0))
);

CREATE TABLE packing.package_items (
    package_id uuid NOT NULL,
    line_id uuid NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    CONSTRAINT package_items_quantity_check CHECK ((quantity > 0))
);

CREATE TABLE packing.packages (
    id uuid DEFAULT uuidv7() NOT NULL,
    fulfillment_id uuid NOT NULL,
    order_id uuid NOT NULL,
    sequence smallint NOT NULL,
    carton text,
    length_mm integer,
    width_mm integer,
    height_mm integer,
    weight_g integer,
    status text DEFAULT 'open'::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT packages_status_check CHECK ((status = ANY (ARRAY['open'::text, 'packed'::text, 'cancelled'::text])))
);

CREATE TABLE packing.plans (
    fulfillment_id uuid NOT NULL,
    plan jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE packing.rules (
    id uuid DEFAULT uuidv7() NOT NULL,
    node_id uuid,
    channel_id uuid,
    terms jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE packing.scans (
    id bigint NOT NULL,
    fulfillment_id uuid NOT NULL,
    package_id uuid,
    kind text NOT NULL,
    code text NOT NULL,
    sku text,
    line_id uuid,
    quantity integer NOT NULL,
    accepted boolean NOT NULL,
    refusal text,
    actor text NOT NULL,
    scanned_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT scans_kind_check CHECK ((kind = ANY (ARRAY['pick'::text, 'unpick'::text, 'pack'::text, 'unpack'::text, 'short'::text]))),
    CONSTRAINT scans_quantity_check CHECK ((quantity > 0))
);

ALTER TABLE packing.scans ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME packing.scans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE packing.wave_fulfillments (
    fulfillment_id uuid NOT NULL,
    wave_id uuid NOT NULL
);

CREATE SEQUENCE packing.wave_number
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE packing.waves (
    id uuid DEFAULT uuidv7() NOT NULL,
    number text NOT NULL,
    node_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE payments.charge_lines (
    shipment_id uuid NOT NULL,
    line_id uuid NOT NULL,
    first_unit integer NOT NULL,
    last_unit integer NOT NULL,
    sales bigint NOT NULL,
    shipping bigint NOT NULL,
    tax bigint NOT NULL,
    adjustment bigint NOT NULL,
    CONSTRAINT charge_lines_check CHECK ((last_unit > first_unit)),
    CONSTRAINT charge_lines_check1 CHECK (((((sales + shipping) + tax) + adjustment) >= 0)),
    CONSTRAINT charge_lines_first_unit_check CHECK ((first_unit >= 0))
);

CREATE TABLE payments.charges (
    shipment_id uuid NOT NULL,
    order_id uuid NOT NULL,
    amount bigint NOT NULL,
    sales bigint NOT NULL,
    shipping bigint NOT NULL,
    tax bigint NOT NULL,
    adjustment bigint NOT NULL,
    currency character(3) NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT charges_amount_check CHECK ((amount >= 0)),
    CONSTRAINT charges_check CHECK ((amount = (((sales + shipping) + tax) + adjustment)))
);

CREATE TABLE payments.entries (
    id bigint NOT NULL,
    order_id uuid NOT NULL,
    posting_id uuid NOT NULL,
    account text NOT NULL,
    amount bigint NOT NULL,
    currency character(3) NOT NULL,
    posted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT entries_account_check CHECK ((account = ANY (ARRAY['receivable'::text, 'sales'::text, 'shipping'::text, 'tax'::text, 'adjustment'::text, 'cash'::text, 'returns'::text])))
);

ALTER TABLE payments.entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.intents (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    sequence smallint DEFAULT 1 NOT NULL,
    gateway text NOT NULL,
    method text NOT NULL,
    token text NOT NULL,
    amount bigint NOT NULL,
    currency character(3) NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT intents_amount_check CHECK ((amount > 0)),
    CONSTRAINT intents_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'authorized'::text, 'replaced'::text, 'declined'::text, 'voided'::text, 'captured'::text, 'expired'::text])))
)
WITH (fillfactor='50');

CREATE TABLE payments.refund_lines (
    refund_id uuid NOT NULL,
    line_id uuid NOT NULL,
    first_unit integer NOT NULL,
    last_unit integer NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT refund_lines_amount_check CHECK ((amount >= 0)),
    CONSTRAINT refund_lines_check CHECK ((last_unit > first_unit)),
    CONSTRAINT refund_lines_first_unit_check CHECK ((first_unit >= 0))
);

CREATE TABLE payments.refunds (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    return_id uuid,
    amount bigint NOT NULL,
    currency character(3) NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    request_key text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT refunds_amount_check CHECK ((amount > 0))
);

CREATE TABLE payments.transactions (
    id uuid DEFAULT uuidv7() NOT NULL,
    intent_id uuid NOT NULL,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency character(3) NOT NULL,
    key text NOT NULL,
    status text DEFAULT 'requested'::text NOT NULL,
    provider_ref text,
    code text,
    message text,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    resolved_at timestamp with time zone,
    CONSTRAINT transactions_amount_check CHECK ((amount > 0)),
    CONSTRAINT transactions_kind_check CHECK ((kind = ANY (ARRAY['authorize'::text, 'capture'::text, 'void'::text, 'refund'::text]))),
    CONSTRAINT transactions_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text])))
)
WITH (fillfactor='70');

CREATE TABLE plumbing.api_keys (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    mode text DEFAULT 'test'::text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    nodes uuid[],
    channels uuid[],
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text])))
);

CREATE TABLE plumbing.cursors (
    reader text NOT NULL,
    xid xid8 DEFAULT '0'::xid8 NOT NULL,
    id bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE plumbing.events (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    event_id uuid DEFAULT uuidv7() NOT NULL,
    type text NOT NULL,
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    order_id uuid,
    node_id uuid,
    channel_id uuid,
    version integer,
    actor text NOT NULL,
    request_id text,
    reason text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    occurred_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);

ALTER TABLE plumbing.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME plumbing.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE plumbing.migrations (
    version text NOT NULL,
    fingerprint text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE plumbing.sessions (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    csrf text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);

CREATE TABLE plumbing.subjects (
    journey text NOT NULL,
    subject_id uuid NOT NULL,
    step text NOT NULL,
    state text DEFAULT 'due'::text NOT NULL,
    undoing boolean DEFAULT false NOT NULL,
    undo_to text,
    priority smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    token bigint DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    awaiting text,
    problem text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT subjects_state_check CHECK ((state = ANY (ARRAY['due'::text, 'waiting'::text, 'paused'::text, 'parked'::text, 'done'::text, 'undone'::text])))
)
WITH (fillfactor='50');

CREATE TABLE plumbing.users (
    id uuid DEFAULT uuidv7() NOT NULL,
    email text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    nodes uuid[],
    channels uuid[],
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE plumbing.wakes (
    id bigint NOT NULL,
    journey text NOT NULL,
    subject_id uuid NOT NULL
);

ALTER TABLE plumbing.wakes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME plumbing.wakes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE returns.lines (
    id uuid DEFAULT uuidv7() NOT NULL,
    return_id uuid NOT NULL,
    line_id uuid,
    sku text NOT NULL,
    quantity integer NOT NULL,
    received integer DEFAULT 0 NOT NULL,
    reason text NOT NULL,
    grade text,
    disposition text,
    restocked boolean DEFAULT false NOT NULL,
    stocked_as text,
    refund bigint DEFAULT 0 NOT NULL,
    CONSTRAINT lines_check CHECK (((received >= 0) AND (received <= quantity))),
    CONSTRAINT lines_disposition_check CHECK ((disposition = ANY (ARRAY['needs_inspection'::text, 'restock'::text, 'refurbish'::text, 'vendor'::text, 'donate'::text, 'destroy'::text, 'missing'::text]))),
    CONSTRAINT lines_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT lines_refund_check CHECK ((refund >= 0))
);

CREATE SEQUENCE returns.return_number
    START WITH 900001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE returns.returns (
    id uuid DEFAULT uuidv7() NOT NULL,
    number text NOT NULL,
    order_id uuid,
    node_id uuid NOT NULL,
    status text DEFAULT 'requested'::text NOT NULL,
    requested_by text NOT NULL,
    request_key text,
    note text,
    needs_label boolean DEFAULT true NOT NULL,
    refund_amount bigint,
    currency character(3) NOT NULL,
    eligibility jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT returns_refund_amount_check CHECK ((refund_amount >= 0)),
    CONSTRAINT returns_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'open'::text, 'in_transit'::text, 'partially_received'::text, 'received'::text, 'inspected'::text, 'closed'::text, 'declined'::text, 'cancelled'::text, 'expired'::text])))
);

CREATE TABLE routing.batches (
    id uuid DEFAULT uuidv7() NOT NULL,
    began_at timestamp with time zone NOT NULL,
    began_by text NOT NULL,
    orders integer NOT NULL,
    changed integer NOT NULL,
    passed_over integer NOT NULL,
    currency character(3),
    cost_before bigint NOT NULL,
    cost bigint NOT NULL,
    bound bigint NOT NULL,
    priced integer NOT NULL,
    last_order uuid
);

CREATE TABLE routing.comparisons (
    trial_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    order_id uuid NOT NULL,
    answered_at timestamp with time zone,
    changed boolean,
    before jsonb,
    after jsonb,
    moved jsonb DEFAULT '[]'::jsonb NOT NULL,
    failed text,
    CONSTRAINT comparisons_check CHECK (((answered_at IS NULL) OR (failed IS NOT NULL) OR (ROW(changed, before, after) IS NOT NULL)))
);

CREATE TABLE routing.decisions (
    id uuid DEFAULT uuidv7() NOT NULL,
    order_id uuid NOT NULL,
    kind text DEFAULT 'route'::text NOT NULL,
    outcome text NOT NULL,
    record bytea NOT NULL,
    cost bigint,
    runner_up_cost bigint,
    shipments smallint,
    profile_id uuid,
    decided_as_of timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);

CREATE TABLE routing.profiles (
    id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    document jsonb NOT NULL,
    tested jsonb,
    note text,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    activated_at timestamp with time zone,
    CONSTRAINT profiles_check CHECK (((status <> 'active'::text) OR (activated_at IS NOT NULL))),
    CONSTRAINT profiles_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'tested'::text, 'active'::text, 'retired'::text]))),
    CONSTRAINT profiles_version_check CHECK ((version > 0))
);

CREATE TABLE routing.scarcity (
    node_id uuid NOT NULL,
    sku text NOT NULL,
    price bigint NOT NULL,
    priced_at timestamp with time zone NOT NULL,
    CONSTRAINT scarcity_price_check CHECK ((price > 0))
);

CREATE TABLE routing.trials (
    id uuid DEFAULT uuidv7() NOT NULL,
    profile_id uuid NOT NULL,
    shadow boolean NOT NULL,
    permille smallint DEFAULT 1000 NOT NULL,
    began_by text NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT trials_permille_check CHECK (((permille >= 1) AND (permille <= 1000)))
);

CREATE TABLE shipping.carriers (
    code text NOT NULL,
    name text NOT NULL,
    adapter text NOT NULL,
    active boolean DEFAULT true NOT NULL
);

CREATE TABLE shipping.contracts (
    id uuid DEFAULT uuidv7() NOT NULL,
    carrier text NOT NULL,
    version integer NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    terms jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE shipping.invoice_lines (
    invoice_id uuid NOT NULL,
    line integer NOT NULL,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    label_id uuid,
    codes text[] NOT NULL,
    billed bigint NOT NULL,
    expected bigint,
    disputed bigint NOT NULL,
    answer jsonb NOT NULL
);

CREATE TABLE shipping.invoices (
    id uuid DEFAULT uuidv7() NOT NULL,
    carrier text NOT NULL,
    number text NOT NULL,
    currency character(3) NOT NULL,
    billed bigint NOT NULL,
    disputed bigint NOT NULL,
    summary jsonb NOT NULL,
    audited_by text NOT NULL,
    audited_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT invoices_disputed_check CHECK ((disputed >= 0))
);

CREATE TABLE shipping.labels (
    id uuid DEFAULT uuidv7() NOT NULL,
    purpose text DEFAULT 'outbound'::text NOT NULL,
    order_id uuid NOT NULL,
    shipment_id uuid,
    package_id uuid,
    return_id uuid,
    attempt smallint DEFAULT 1 NOT NULL,
    reference text NOT NULL,
    carrier text NOT NULL,
    service text NOT NULL,
    status text DEFAULT 'requested'::text NOT NULL,
    request jsonb NOT NULL,
    tracking_number text,
    cost bigint,
    currency character(3),
    provider_ref text,
    problem text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT labels_check CHECK (((purpose = 'outbound'::text) = (package_id IS NOT NULL))),
    CONSTRAINT labels_check1 CHECK (((purpose = 'return'::text) = (return_id IS NOT NULL))),
    CONSTRAINT labels_purpose_check CHECK ((purpose = ANY (ARRAY['outbound'::text, 'return'::text]))),
    CONSTRAINT labels_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'purchased'::text, 'used'::text, 'voided'::text, 'failed'::text, 'unknown'::text])))
);

CREATE TABLE shipping.manifest_labels (
    label_id uuid NOT NULL,
    manifest_id uuid NOT NULL
);

CREATE SEQUENCE shipping.manifest_number
    START WITH 3001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE shipping.manifests (
    id uuid DEFAULT uuidv7() NOT NULL,
    number text NOT NULL,
    node_id uuid NOT NULL,
    carrier text NOT NULL,
    ship_date date NOT NULL,
    closed_by text NOT NULL,
    closed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE SEQUENCE shipping.shipment_number
    START WITH 700001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE shipping.shipments (
    id uuid DEFAULT uuidv7() NOT NULL,
    number text NOT NULL,
    order_id uuid NOT NULL,
    fulfillment_id uuid NOT NULL,
    node_id uuid NOT NULL,
    carrier text NOT NULL,
    service text NOT NULL,
    selection jsonb DEFAULT '{}'::jsonb NOT NULL,
    cost bigint DEFAULT 0 NOT NULL,
    currency character(3) NOT NULL,
    promise_at timestamp with time zone,
    shipped_at timestamp with time zone,
    delivered_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE shipping.weekly_spend (
    carrier text NOT NULL,
    currency character(3) NOT NULL,
    week date NOT NULL,
    amount bigint NOT NULL,
    holds_from date NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT weekly_spend_check CHECK ((holds_from > (week + 7))),
    CONSTRAINT weekly_spend_week_check CHECK ((EXTRACT(isodow FROM week) = (1)::numeric))
);

CREATE TABLE sync.attempts (
    id bigint NOT NULL,
    delivery_id uuid NOT NULL,
    response smallint,
    problem text,
    took_ms integer,
    tried_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE sync.attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sync.attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sync.availability (
    channel_id uuid NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    next_at timestamp with time zone,
    next_units integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    pushed bigint DEFAULT 0 NOT NULL,
    pushed_at timestamp with time zone,
    CONSTRAINT availability_quantity_check CHECK ((quantity >= 0))
)
WITH (fillfactor='60');

CREATE TABLE sync.deliveries (
    id uuid DEFAULT uuidv7() NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    response smallint,
    problem text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    done_at timestamp with time zone,
    CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'sending'::text, 'delivered'::text, 'failed'::text])))
);

CREATE TABLE sync.reconciliations (
    id uuid DEFAULT uuidv7() NOT NULL,
    channel_id uuid NOT NULL,
    compared integer NOT NULL,
    divergent integer NOT NULL,
    repaired integer NOT NULL,
    detail jsonb NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE sync.webhooks (
    id uuid DEFAULT uuidv7() NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    types text[] DEFAULT '{}'::text[] NOT NULL,
    fat boolean DEFAULT false NOT NULL,
    active boolean DEFAULT true NOT NULL,
    disabled_at timestamp with time zone,
    problem text,
    previous_secret text,
    previous_until timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    retry_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY catalog.items_before
    ADD CONSTRAINT items_before_pkey PRIMARY KEY (key, until);

ALTER TABLE ONLY catalog.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id);

ALTER TABLE ONLY catalog.items
    ADD CONSTRAINT items_sku_key UNIQUE (sku);

ALTER TABLE ONLY catalog.kit_components
    ADD CONSTRAINT kit_components_pkey PRIMARY KEY (kit_sku, component_sku);

ALTER TABLE ONLY delivery.parcels
    ADD CONSTRAINT parcels_pkey PRIMARY KEY (carrier, tracking_number);

ALTER TABLE ONLY delivery.proofs
    ADD CONSTRAINT proofs_pkey PRIMARY KEY (carrier, tracking_number, kind);

ALTER TABLE ONLY delivery.tracking_events
    ADD CONSTRAINT tracking_events_carrier_tracking_number_code_occurred_at_key UNIQUE (carrier, tracking_number, code, occurred_at);

ALTER TABLE ONLY delivery.tracking_events
    ADD CONSTRAINT tracking_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY delivery.transit_models
    ADD CONSTRAINT transit_models_pkey PRIMARY KEY (version);

ALTER TABLE ONLY inventory.allotments
    ADD CONSTRAINT allotments_pkey PRIMARY KEY (sku, channel_id);

ALTER TABLE ONLY inventory.count_lines
    ADD CONSTRAINT count_lines_pkey PRIMARY KEY (count_id, sku);

ALTER TABLE ONLY inventory.counts
    ADD CONSTRAINT counts_number_key UNIQUE (number);

ALTER TABLE ONLY inventory.counts
    ADD CONSTRAINT counts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.lot_movements
    ADD CONSTRAINT lot_movements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.lot_picks
    ADD CONSTRAINT lot_picks_pkey PRIMARY KEY (fulfillment_id, line_id, lot);

ALTER TABLE ONLY inventory.lots
    ADD CONSTRAINT lots_pkey PRIMARY KEY (node_id, sku, lot);

ALTER TABLE ONLY inventory.movements
    ADD CONSTRAINT movements_pkey PRIMARY KEY (xid, id);

ALTER TABLE ONLY inventory.reservation_lines
    ADD CONSTRAINT reservation_lines_pkey PRIMARY KEY (reservation_id, "position");

ALTER TABLE ONLY inventory.reservation_units
    ADD CONSTRAINT reservation_units_pkey PRIMARY KEY (reservation_id, "position", node_id, sku);

ALTER TABLE ONLY inventory.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.safety_rules
    ADD CONSTRAINT safety_rules_channel_id_node_id_sku_key UNIQUE NULLS NOT DISTINCT (channel_id, node_id, sku);

ALTER TABLE ONLY inventory.safety_rules
    ADD CONSTRAINT safety_rules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (source, node_id, sku);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_pkey PRIMARY KEY (node_id, sku);

ALTER TABLE ONLY inventory.supplies
    ADD CONSTRAINT supplies_kind_reference_key UNIQUE (kind, reference);

ALTER TABLE ONLY inventory.supplies
    ADD CONSTRAINT supplies_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.supply_lines
    ADD CONSTRAINT supply_lines_pkey PRIMARY KEY (supply_id, "position");

ALTER TABLE ONLY inventory.tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (node_id, sku, kind);

ALTER TABLE ONLY network.channels
    ADD CONSTRAINT channels_code_key UNIQUE (code);

ALTER TABLE ONLY network.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.nodes_before
    ADD CONSTRAINT nodes_before_pkey PRIMARY KEY (key, until);

ALTER TABLE ONLY network.nodes
    ADD CONSTRAINT nodes_code_key UNIQUE (code);

ALTER TABLE ONLY network.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notices.notices
    ADD CONSTRAINT notices_key_key UNIQUE (key);

ALTER TABLE ONLY notices.notices
    ADD CONSTRAINT notices_order_id_event_trigger_id_channel_key UNIQUE (order_id, event, trigger_id, channel);

ALTER TABLE ONLY notices.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.bulk_jobs
    ADD CONSTRAINT bulk_jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.bulk_rows
    ADD CONSTRAINT bulk_rows_pkey PRIMARY KEY (job_id, "row");

ALTER TABLE ONLY orders.cancellation_requests
    ADD CONSTRAINT cancellation_requests_pkey PRIMARY KEY (fulfillment_id, line_id);

ALTER TABLE ONLY orders.exceptions
    ADD CONSTRAINT exceptions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.fulfillments
    ADD CONSTRAINT fulfillments_number_key UNIQUE (number);

ALTER TABLE ONLY orders.fulfillments
    ADD CONSTRAINT fulfillments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.lines
    ADD CONSTRAINT lines_order_id_position_key UNIQUE (order_id, "position");

ALTER TABLE ONLY orders.lines
    ADD CONSTRAINT lines_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.orders
    ADD CONSTRAINT orders_channel_id_external_id_key UNIQUE (channel_id, external_id);

ALTER TABLE ONLY orders.orders
    ADD CONSTRAINT orders_number_key UNIQUE (number);

ALTER TABLE ONLY orders.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.repromises
    ADD CONSTRAINT repromises_pkey PRIMARY KEY (order_id, made_at);

ALTER TABLE ONLY orders.slices
    ADD CONSTRAINT slices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY packing.cartons_before
    ADD CONSTRAINT cartons_before_pkey PRIMARY KEY (key, until);

ALTER TABLE ONLY packing.cartons
    ADD CONSTRAINT cartons_pkey PRIMARY KEY (code);

ALTER TABLE ONLY packing.node_cartons
    ADD CONSTRAINT node_cartons_pkey PRIMARY KEY (node_id, carton);

ALTER TABLE ONLY packing.package_items
    ADD CONSTRAINT package_items_pkey PRIMARY KEY (package_id, line_id);

ALTER TABLE ONLY packing.packages
    ADD CONSTRAINT packages_fulfillment_id_sequence_key UNIQUE (fulfillment_id, sequence);

ALTER TABLE ONLY packing.packages
    ADD CONSTRAINT packages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY packing.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (fulfillment_id);

ALTER TABLE ONLY packing.rules
    ADD CONSTRAINT rules_node_id_channel_id_key UNIQUE NULLS NOT DISTINCT (node_id, channel_id);

ALTER TABLE ONLY packing.rules
    ADD CONSTRAINT rules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY packing.scans
    ADD CONSTRAINT scans_pkey PRIMARY KEY (id);

ALTER TABLE ONLY packing.wave_fulfillments
    ADD CONSTRAINT wave_fulfillments_pkey PRIMARY KEY (fulfillment_id);

ALTER TABLE ONLY packing.waves
    ADD CONSTRAINT waves_number_key UNIQUE (number);

ALTER TABLE ONLY packing.waves
    ADD CONSTRAINT waves_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.charge_lines
    ADD CONSTRAINT charge_lines_line_id_first_unit_key UNIQUE (line_id, first_unit);

ALTER TABLE ONLY payments.charge_lines
    ADD CONSTRAINT charge_lines_pkey PRIMARY KEY (shipment_id, line_id);

ALTER TABLE ONLY payments.charges
    ADD CONSTRAINT charges_pkey PRIMARY KEY (shipment_id);

ALTER TABLE ONLY payments.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.entries
    ADD CONSTRAINT entries_posting_id_account_key UNIQUE (posting_id, account);

ALTER TABLE ONLY payments.intents
    ADD CONSTRAINT intents_order_id_sequence_key UNIQUE (order_id, sequence);

ALTER TABLE ONLY payments.intents
    ADD CONSTRAINT intents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.refund_lines
    ADD CONSTRAINT refund_lines_line_id_first_unit_key UNIQUE (line_id, first_unit);

ALTER TABLE ONLY payments.refund_lines
    ADD CONSTRAINT refund_lines_pkey PRIMARY KEY (refund_id, line_id);

ALTER TABLE ONLY payments.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.refunds
    ADD CONSTRAINT refunds_request_key_key UNIQUE (request_key);

ALTER TABLE ONLY payments.transactions
    ADD CONSTRAINT transactions_intent_id_kind_subject_id_key UNIQUE (intent_id, kind, subject_id);

ALTER TABLE ONLY payments.transactions
    ADD CONSTRAINT transactions_key_key UNIQUE (key);

ALTER TABLE ONLY payments.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY plumbing.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY plumbing.api_keys
    ADD CONSTRAINT api_keys_prefix_key UNIQUE (prefix);

ALTER TABLE ONLY plumbing.cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (reader);

ALTER TABLE ONLY plumbing.events
    ADD CONSTRAINT events_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY plumbing.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (xid, id);

ALTER TABLE ONLY plumbing.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (credential, route, key);

ALTER TABLE ONLY plumbing.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY plumbing.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY plumbing.subjects
    ADD CONSTRAINT subjects_pkey PRIMARY KEY (journey, subject_id);

ALTER TABLE ONLY plumbing.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY plumbing.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY plumbing.wakes
    ADD CONSTRAINT wakes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY returns.lines
    ADD CONSTRAINT lines_pkey PRIMARY KEY (id);

ALTER TABLE ONLY returns.returns
    ADD CONSTRAINT returns_number_key UNIQUE (number);

ALTER TABLE ONLY returns.returns
    ADD CONSTRAINT returns_pkey PRIMARY KEY (id);

ALTER TABLE ONLY returns.returns
    ADD CONSTRAINT returns_request_key_key UNIQUE (request_key);

ALTER TABLE ONLY routing.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY routing.comparisons
    ADD CONSTRAINT comparisons_pkey PRIMARY KEY (trial_id, decision_id);

ALTER TABLE ONLY routing.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY routing.profiles
    ADD CONSTRAINT profiles_name_version_key UNIQUE (name, version);

ALTER TABLE ONLY routing.profiles
    ADD CONSTRAINT profiles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY routing.scarcity
    ADD CONSTRAINT scarcity_pkey PRIMARY KEY (sku, node_id);

ALTER TABLE ONLY routing.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.carriers
    ADD CONSTRAINT carriers_pkey PRIMARY KEY (code);

ALTER TABLE ONLY shipping.contracts
    ADD CONSTRAINT contracts_carrier_version_key UNIQUE (carrier, version);

ALTER TABLE ONLY shipping.contracts
    ADD CONSTRAINT contracts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.invoice_lines
    ADD CONSTRAINT invoice_lines_pkey PRIMARY KEY (invoice_id, line);

ALTER TABLE ONLY shipping.invoices
    ADD CONSTRAINT invoices_carrier_number_key UNIQUE (carrier, number);

ALTER TABLE ONLY shipping.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.labels
    ADD CONSTRAINT labels_package_id_attempt_key UNIQUE (package_id, attempt);

ALTER TABLE ONLY shipping.labels
    ADD CONSTRAINT labels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.labels
    ADD CONSTRAINT labels_reference_key UNIQUE (reference);

ALTER TABLE ONLY shipping.manifest_labels
    ADD CONSTRAINT manifest_labels_pkey PRIMARY KEY (label_id);

ALTER TABLE ONLY shipping.manifests
    ADD CONSTRAINT manifests_number_key UNIQUE (number);

ALTER TABLE ONLY shipping.manifests
    ADD CONSTRAINT manifests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_fulfillment_id_key UNIQUE (fulfillment_id);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_number_key UNIQUE (number);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.weekly_spend
    ADD CONSTRAINT weekly_spend_pkey PRIMARY KEY (carrier, currency, week, holds_from);

ALTER TABLE ONLY sync.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sync.availability
    ADD CONSTRAINT availability_pkey PRIMARY KEY (channel_id, sku);

ALTER TABLE ONLY sync.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sync.deliveries
    ADD CONSTRAINT deliveries_webhook_id_event_id_key UNIQUE (webhook_id, event_id);

ALTER TABLE ONLY sync.reconciliations
    ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sync.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);

CREATE INDEX items_by_gtin ON catalog.items USING btree (gtin) WHERE (gtin IS NOT NULL);

CREATE INDEX items_sold_from ON catalog.items USING btree (sold_from) WHERE (sold_from IS NOT NULL);

CREATE INDEX items_tracked ON catalog.items USING btree (sku) WHERE (tracked_by IS NOT NULL);

CREATE INDEX parcels_of_fulfillment ON delivery.parcels USING btree (fulfillment_id) WHERE (fulfillment_id IS NOT NULL);

CREATE INDEX parcels_of_order ON delivery.parcels USING btree (order_id);

CREATE INDEX parcels_under_promise ON delivery.parcels USING btree (promise_at) WHERE (delivered_at IS NULL);

CREATE INDEX counts_open ON inventory.counts USING btree (node_id) WHERE (state = 'open'::text);

CREATE INDEX lot_movements_of_cause ON inventory.lot_movements USING btree (cause_id) WHERE (cause_id IS NOT NULL);

CREATE INDEX lot_movements_of_lot ON inventory.lot_movements USING btree (sku, lot, id);

CREATE INDEX lot_picks_of_line ON inventory.lot_picks USING btree (line_id);

CREATE INDEX lot_picks_of_lot ON inventory.lot_picks USING btree (node_id, sku, lot);

CREATE INDEX lots_by_name ON inventory.lots USING btree (sku, lot);

CREATE INDEX lots_expiring ON inventory.lots USING btree (expires_on) WHERE (on_hand > expired);

CREATE INDEX movements_of_cause ON inventory.movements USING btree (cause_id) WHERE (cause_id IS NOT NULL);

CREATE INDEX movements_of_stock ON inventory.movements USING btree (node_id, sku, id);

CREATE INDEX movements_physical ON inventory.movements USING btree (node_id, sku, COALESCE(as_of, moved_at)) WHERE ((on_hand_delta <> 0) OR (damaged_delta <> 0) OR (quality_control_delta <> 0));

CREATE INDEX reservation_units_at ON inventory.reservation_units USING btree (node_id, sku);

CREATE INDEX reservations_expiring ON inventory.reservations USING btree (expires_at) WHERE (state = 'open'::text);

CREATE INDEX reservations_of_owner ON inventory.reservations USING btree (channel_id, owner) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX serial_once ON inventory.lots USING btree (sku, lot) WHERE (serial AND (on_hand > 0));

CREATE INDEX snapshots_of_stock ON inventory.snapshots USING btree (node_id, sku);

CREATE INDEX stock_by_sku ON inventory.stock USING btree (sku, node_id);

CREATE INDEX supplies_due ON inventory.supplies USING btree (due_at) WHERE (state = 'open'::text);

CREATE INDEX supply_lines_by_sku ON inventory.supply_lines USING btree (sku);

CREATE INDEX supply_lines_taken_over ON inventory.supply_lines USING btree (of_supply, of_position) WHERE (of_supply IS NOT NULL);

CREATE UNIQUE INDEX bulk_jobs_by_request ON orders.bulk_jobs USING btree (credential, request_key) WHERE (request_key IS NOT NULL);

CREATE INDEX bulk_jobs_under_way ON orders.bulk_jobs USING btree (credential) WHERE (ended_at IS NULL);

CREATE INDEX bulk_rows_failed ON orders.bulk_rows USING btree (job_id, "row") WHERE (outcome <> ALL (ARRAY['created'::text, 'duplicate'::text]));

CREATE INDEX bulk_rows_to_do ON orders.bulk_rows USING btree (job_id, "row") WHERE (outcome IS NULL);

CREATE INDEX exceptions_of_order ON orders.exceptions USING btree (order_id);

CREATE UNIQUE INDEX exceptions_open ON orders.exceptions USING btree (entity_id, kind) WHERE (resolved_at IS NULL);

CREATE INDEX exceptions_queue ON orders.exceptions USING btree (due_at) WHERE (resolved_at IS NULL);

CREATE INDEX fulfillments_at_node ON orders.fulfillments USING btree (node_id, status, id);

CREATE INDEX fulfillments_behind ON orders.fulfillments USING btree (ship_by) WHERE (status = ANY (ARRAY['open'::text, 'scheduled'::text, 'in_progress'::text]));

CREATE INDEX fulfillments_of_order ON orders.fulfillments USING btree (order_id);

CREATE INDEX holds_active ON orders.holds USING btree (order_id) WHERE (cleared_at IS NULL);

CREATE INDEX lines_by_sku ON orders.lines USING btree (sku);

CREATE UNIQUE INDEX one_slip_a_date ON orders.repromises USING btree (order_id, was) WHERE slip;

CREATE INDEX orders_by_email ON orders.orders USING btree (((buyer ->> 'email'::text)));

CREATE INDEX orders_by_lifecycle ON orders.orders USING btree (lifecycle, min_rank, id);

CREATE INDEX orders_by_placement ON orders.orders USING btree (placed_at DESC, id DESC);

CREATE INDEX orders_changed ON orders.orders USING btree (updated_at, id);

CREATE INDEX slices_holding_stock ON orders.slices USING btree (node_id, sku) WHERE ((rank >= 200) AND (rank <= 699));

CREATE INDEX slices_of_fulfillment ON orders.slices USING btree (fulfillment_id) WHERE (fulfillment_id IS NOT NULL);

CREATE INDEX slices_of_order ON orders.slices USING btree (order_id);

CREATE INDEX slices_short ON orders.slices USING btree (sku) WHERE ((rank >= 100) AND (rank <= 150));

CREATE INDEX packages_of_order ON packing.packages USING btree (order_id);

CREATE INDEX scans_of_fulfillment ON packing.scans USING btree (fulfillment_id);

CREATE INDEX charges_of_order ON payments.charges USING btree (order_id);

CREATE INDEX entries_of_order ON payments.entries USING btree (order_id);

CREATE INDEX refunds_of_order ON payments.refunds USING btree (order_id);

CREATE INDEX refunds_of_return ON payments.refunds USING btree (return_id) WHERE (return_id IS NOT NULL);

CREATE INDEX transactions_of_order ON payments.transactions USING btree (order_id);

CREATE INDEX transactions_open ON payments.transactions USING btree (created_at) WHERE (status = ANY (ARRAY['requested'::text, 'unknown'::text]));

CREATE UNIQUE INDEX transactions_provider_ref ON payments.transactions USING btree (kind, provider_ref) WHERE ((provider_ref IS NOT NULL) AND (status = 'succeeded'::text));

CREATE INDEX events_of_entity ON plumbing.events USING btree (entity_id, id) WHERE (entity_id IS DISTINCT FROM order_id);

CREATE INDEX events_of_order ON plumbing.events USING btree (order_id, id) WHERE (order_id IS NOT NULL);

CREATE INDEX idempotency_age ON plumbing.idempotency USING btree (created_at);

CREATE INDEX subjects_due ON plumbing.subjects USING btree (journey, step, undoing, priority DESC, due_at) WHERE (state = 'due'::text);

CREATE INDEX subjects_needing_people ON plumbing.subjects USING btree (journey, updated_at) WHERE (state = ANY (ARRAY['parked'::text, 'paused'::text]));

CREATE INDEX subjects_overdue ON plumbing.subjects USING btree (due_at) WHERE (state = 'waiting'::text);

CREATE INDEX wakes_of_subject ON plumbing.wakes USING btree (journey, subject_id);

CREATE INDEX return_lines_of_line ON returns.lines USING btree (line_id);

CREATE INDEX return_lines_of_return ON returns.lines USING btree (return_id);

CREATE INDEX returns_of_order ON returns.returns USING btree (order_id);

CREATE INDEX comparisons_open ON routing.comparisons USING btree (trial_id, decision_id) WHERE (answered_at IS NULL);

CREATE INDEX decisions_of_order ON routing.decisions USING btree (order_id, id);

CREATE UNIQUE INDEX one_profile_active ON routing.profiles USING btree ((true)) WHERE (status = 'active'::text);

CREATE UNIQUE INDEX one_shadow ON routing.trials USING btree ((true)) WHERE (shadow AND (ended_at IS NULL));

CREATE INDEX trials_of_profile ON routing.trials USING btree (profile_id, id);

CREATE INDEX invoice_lines_by_tracking ON shipping.invoice_lines USING btree (carrier, tracking_number);

CREATE INDEX invoice_lines_of_label ON shipping.invoice_lines USING btree (label_id) WHERE (label_id IS NOT NULL);

CREATE UNIQUE INDEX labels_by_tracking ON shipping.labels USING btree (carrier, tracking_number) WHERE (tracking_number IS NOT NULL);

CREATE INDEX labels_of_order ON shipping.labels USING btree (order_id);

CREATE INDEX labels_of_shipment ON shipping.labels USING btree (shipment_id) WHERE (shipment_id IS NOT NULL);

CREATE UNIQUE INDEX labels_one_live_a_package ON shipping.labels USING btree (package_id) WHERE ((package_id IS NOT NULL) AND (status = ANY (ARRAY['requested'::text, 'purchased'::text, 'used'::text, 'unknown'::text])));

CREATE UNIQUE INDEX labels_one_live_a_return ON shipping.labels USING btree (return_id) WHERE ((return_id IS NOT NULL) AND (status = ANY (ARRAY['requested'::text, 'purchased'::text, 'used'::text, 'unknown'::text])));

CREATE INDEX labels_to_manifest ON shipping.labels USING btree (carrier, shipment_id) WHERE (status = 'purchased'::text);

CREATE INDEX shipments_of_order ON shipping.shipments USING btree (order_id);

CREATE INDEX attempts_of_delivery ON sync.attempts USING btree (delivery_id, id);

CREATE INDEX availability_in_commit_order ON sync.availability USING btree (channel_id, xid, sku);

CREATE INDEX availability_unpushed ON sync.availability USING btree (channel_id) WHERE (pushed < version);

CREATE INDEX reconciliations_of_channel ON sync.reconciliations USING btree (channel_id, id);

CREATE TRIGGER keep_before AFTER UPDATE ON catalog.items FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION plumbing.keep_before('sku');

CREATE TRIGGER never_deleted BEFORE DELETE ON catalog.items FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON inventory.lot_movements FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON inventory.movements FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON inventory.lot_movements FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON inventory.movements FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER keep_before AFTER UPDATE ON network.nodes FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION plumbing.keep_before('code');

CREATE TRIGGER never_deleted BEFORE DELETE ON network.channels FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE ON network.nodes FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER stays BEFORE UPDATE OF id ON network.channels FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE ON orders.lines FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE ON orders.orders FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER refuse_strays AFTER INSERT ON orders.fulfillments REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_fulfillments();

CREATE TRIGGER refuse_strays AFTER INSERT ON orders.lines REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_lines();

CREATE TRIGGER refuse_strays AFTER INSERT ON orders.orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_orders();

CREATE TRIGGER refuse_strays AFTER INSERT ON orders.slices REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_slices();

CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, node_id ON orders.fulfillments FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, sku, kit_line_id ON orders.lines FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER stays BEFORE UPDATE OF id, channel_id ON orders.orders FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER keep_before AFTER UPDATE ON packing.cartons FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION plumbing.keep_before('code');

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON payments.entries FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON payments.entries FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE ON payments.intents FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER refuse_strays AFTER INSERT ON payments.intents REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_stray_intents();

CREATE TRIGGER refuse_strays AFTER INSERT ON payments.transactions REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_stray_transactions();

CREATE TRIGGER stays BEFORE UPDATE OF id, order_id ON payments.intents FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER stays BEFORE UPDATE OF id, intent_id, order_id ON payments.transactions FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON plumbing.events FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON plumbing.events FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER immutable BEFORE DELETE OR UPDATE OF id, name, version, document ON routing.profiles FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TRIGGER refuse_strays AFTER INSERT ON routing.decisions REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION routing.refuse_stray_decisions();

CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, profile_id ON routing.decisions FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

ALTER TABLE ONLY catalog.items_before
    ADD CONSTRAINT items_before_key_fkey FOREIGN KEY (key) REFERENCES catalog.items(sku);

ALTER TABLE ONLY catalog.kit_components
    ADD CONSTRAINT kit_components_component_sku_fkey FOREIGN KEY (component_sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY catalog.kit_components
    ADD CONSTRAINT kit_components_kit_sku_fkey FOREIGN KEY (kit_sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY delivery.parcels
    ADD CONSTRAINT parcels_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY inventory.allotments
    ADD CONSTRAINT allotments_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);

ALTER TABLE ONLY inventory.allotments
    ADD CONSTRAINT allotments_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.count_lines
    ADD CONSTRAINT count_lines_count_id_fkey FOREIGN KEY (count_id) REFERENCES inventory.counts(id);

ALTER TABLE ONLY inventory.count_lines
    ADD CONSTRAINT count_lines_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.counts
    ADD CONSTRAINT counts_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.lot_picks
    ADD CONSTRAINT lot_picks_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY inventory.lot_picks
    ADD CONSTRAINT lot_picks_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY inventory.lot_picks
    ADD CONSTRAINT lot_picks_node_id_sku_lot_fkey FOREIGN KEY (node_id, sku, lot) REFERENCES inventory.lots(node_id, sku, lot);

ALTER TABLE ONLY inventory.lots
    ADD CONSTRAINT lots_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.lots
    ADD CONSTRAINT lots_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.reservation_lines
    ADD CONSTRAINT reservation_lines_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES inventory.reservations(id);

ALTER TABLE ONLY inventory.reservation_lines
    ADD CONSTRAINT reservation_lines_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.reservation_units
    ADD CONSTRAINT reservation_units_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.reservation_units
    ADD CONSTRAINT reservation_units_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES inventory.reservations(id);

ALTER TABLE ONLY inventory.reservations
    ADD CONSTRAINT reservations_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);

ALTER TABLE ONLY inventory.reservations
    ADD CONSTRAINT reservations_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY inventory.safety_rules
    ADD CONSTRAINT safety_rules_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);

ALTER TABLE ONLY inventory.safety_rules
    ADD CONSTRAINT safety_rules_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.safety_rules
    ADD CONSTRAINT safety_rules_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.snapshots
    ADD CONSTRAINT snapshots_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.snapshots
    ADD CONSTRAINT snapshots_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.stock
    ADD CONSTRAINT stock_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.supplies
    ADD CONSTRAINT supplies_from_node_fkey FOREIGN KEY (from_node) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.supplies
    ADD CONSTRAINT supplies_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY inventory.supply_lines
    ADD CONSTRAINT supply_lines_of_supply_of_position_fkey FOREIGN KEY (of_supply, of_position) REFERENCES inventory.supply_lines(supply_id, "position");

ALTER TABLE ONLY inventory.supply_lines
    ADD CONSTRAINT supply_lines_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY inventory.supply_lines
    ADD CONSTRAINT supply_lines_supply_id_fkey FOREIGN KEY (supply_id) REFERENCES inventory.supplies(id);

ALTER TABLE ONLY network.nodes_before
    ADD CONSTRAINT nodes_before_key_fkey FOREIGN KEY (key) REFERENCES network.nodes(code);

ALTER TABLE ONLY notices.notices
    ADD CONSTRAINT notices_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY orders.bulk_rows
    ADD CONSTRAINT bulk_rows_job_id_fkey FOREIGN KEY (job_id) REFERENCES orders.bulk_jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY orders.cancellation_requests
    ADD CONSTRAINT cancellation_requests_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY orders.cancellation_requests
    ADD CONSTRAINT cancellation_requests_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY orders.exceptions
    ADD CONSTRAINT exceptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY orders.holds
    ADD CONSTRAINT holds_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY orders.holds
    ADD CONSTRAINT holds_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY orders.holds
    ADD CONSTRAINT holds_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY orders.repromises
    ADD CONSTRAINT repromises_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY orders.slices
    ADD CONSTRAINT slices_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY packing.cartons_before
    ADD CONSTRAINT cartons_before_key_fkey FOREIGN KEY (key) REFERENCES packing.cartons(code);

ALTER TABLE ONLY packing.node_cartons
    ADD CONSTRAINT node_cartons_carton_fkey FOREIGN KEY (carton) REFERENCES packing.cartons(code);

ALTER TABLE ONLY packing.node_cartons
    ADD CONSTRAINT node_cartons_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY packing.package_items
    ADD CONSTRAINT package_items_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY packing.package_items
    ADD CONSTRAINT package_items_package_id_fkey FOREIGN KEY (package_id) REFERENCES packing.packages(id);

ALTER TABLE ONLY packing.packages
    ADD CONSTRAINT packages_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY packing.packages
    ADD CONSTRAINT packages_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY packing.plans
    ADD CONSTRAINT plans_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY packing.rules
    ADD CONSTRAINT rules_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);

ALTER TABLE ONLY packing.rules
    ADD CONSTRAINT rules_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY packing.scans
    ADD CONSTRAINT scans_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY packing.scans
    ADD CONSTRAINT scans_package_id_fkey FOREIGN KEY (package_id) REFERENCES packing.packages(id);

ALTER TABLE ONLY packing.wave_fulfillments
    ADD CONSTRAINT wave_fulfillments_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY packing.wave_fulfillments
    ADD CONSTRAINT wave_fulfillments_wave_id_fkey FOREIGN KEY (wave_id) REFERENCES packing.waves(id);

ALTER TABLE ONLY packing.waves
    ADD CONSTRAINT waves_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY payments.charge_lines
    ADD CONSTRAINT charge_lines_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY payments.charge_lines
    ADD CONSTRAINT charge_lines_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES payments.charges(shipment_id);

ALTER TABLE ONLY payments.charges
    ADD CONSTRAINT charges_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY payments.charges
    ADD CONSTRAINT charges_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY payments.entries
    ADD CONSTRAINT entries_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY payments.refund_lines
    ADD CONSTRAINT refund_lines_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY payments.refund_lines
    ADD CONSTRAINT refund_lines_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES payments.refunds(id);

ALTER TABLE ONLY payments.refunds
    ADD CONSTRAINT refunds_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY plumbing.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES plumbing.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY returns.lines
    ADD CONSTRAINT lines_line_id_fkey FOREIGN KEY (line_id) REFERENCES orders.lines(id);

ALTER TABLE ONLY returns.lines
    ADD CONSTRAINT lines_return_id_fkey FOREIGN KEY (return_id) REFERENCES returns.returns(id);

ALTER TABLE ONLY returns.returns
    ADD CONSTRAINT returns_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY returns.returns
    ADD CONSTRAINT returns_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY routing.comparisons
    ADD CONSTRAINT comparisons_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES routing.decisions(id);

ALTER TABLE ONLY routing.comparisons
    ADD CONSTRAINT comparisons_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY routing.comparisons
    ADD CONSTRAINT comparisons_trial_id_fkey FOREIGN KEY (trial_id) REFERENCES routing.trials(id);

ALTER TABLE ONLY routing.scarcity
    ADD CONSTRAINT scarcity_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY routing.scarcity
    ADD CONSTRAINT scarcity_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY routing.trials
    ADD CONSTRAINT trials_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES routing.profiles(id);

ALTER TABLE ONLY shipping.contracts
    ADD CONSTRAINT contracts_carrier_fkey FOREIGN KEY (carrier) REFERENCES shipping.carriers(code);

ALTER TABLE ONLY shipping.invoice_lines
    ADD CONSTRAINT invoice_lines_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES shipping.invoices(id);

ALTER TABLE ONLY shipping.invoice_lines
    ADD CONSTRAINT invoice_lines_label_id_fkey FOREIGN KEY (label_id) REFERENCES shipping.labels(id);

ALTER TABLE ONLY shipping.invoices
    ADD CONSTRAINT invoices_carrier_fkey FOREIGN KEY (carrier) REFERENCES shipping.carriers(code);

ALTER TABLE ONLY shipping.labels
    ADD CONSTRAINT labels_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY shipping.labels
    ADD CONSTRAINT labels_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES shipping.shipments(id);

ALTER TABLE ONLY shipping.manifest_labels
    ADD CONSTRAINT manifest_labels_label_id_fkey FOREIGN KEY (label_id) REFERENCES shipping.labels(id);

ALTER TABLE ONLY shipping.manifest_labels
    ADD CONSTRAINT manifest_labels_manifest_id_fkey FOREIGN KEY (manifest_id) REFERENCES shipping.manifests(id);

ALTER TABLE ONLY shipping.manifests
    ADD CONSTRAINT manifests_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_fulfillment_id_fkey FOREIGN KEY (fulfillment_id) REFERENCES orders.fulfillments(id);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_node_id_fkey FOREIGN KEY (node_id) REFERENCES network.nodes(id);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id);

ALTER TABLE ONLY shipping.weekly_spend
    ADD CONSTRAINT weekly_spend_carrier_fkey FOREIGN KEY (carrier) REFERENCES shipping.carriers(code);

ALTER TABLE ONLY sync.attempts
    ADD CONSTRAINT attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES sync.deliveries(id);

ALTER TABLE ONLY sync.availability
    ADD CONSTRAINT availability_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);

ALTER TABLE ONLY sync.availability
    ADD CONSTRAINT availability_sku_fkey FOREIGN KEY (sku) REFERENCES catalog.items(sku);

ALTER TABLE ONLY sync.deliveries
    ADD CONSTRAINT deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES sync.webhooks(id);

ALTER TABLE ONLY sync.reconciliations
    ADD CONSTRAINT reconciliations_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES network.channels(id);
