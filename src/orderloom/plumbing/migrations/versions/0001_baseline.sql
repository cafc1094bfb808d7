-- The whole house, one schema a capability. Truth is the line quantity (orders.slices), the stock ledger
-- (inventory.movements), the double-entry money ledger (payments.entries) and the event log (plumbing.events).

CREATE SCHEMA plumbing;
CREATE SCHEMA catalog;
CREATE SCHEMA network;
CREATE SCHEMA orders;
CREATE SCHEMA inventory;
CREATE SCHEMA payments;
CREATE SCHEMA routing;
CREATE SCHEMA packing;
CREATE SCHEMA shipping;
CREATE SCHEMA delivery;
CREATE SCHEMA returns;
CREATE SCHEMA notices;
CREATE SCHEMA sync;

CREATE FUNCTION plumbing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.% keeps its rows as they are: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END $$;

-- What a row was before it was changed goes to the table named like its own with _before, under the key that is given.
CREATE FUNCTION plumbing.keep_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO %I.%I (key, was) VALUES ($1, $2) ON CONFLICT DO NOTHING', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_before')
  USING to_jsonb(OLD) ->> TG_ARGV[0], to_jsonb(OLD);
  RETURN NULL;
END $$;

-- plumbing ---------------------------------------------------------------------------------------------------

-- What each migration was when it ran here (plumbing/versions.py).
CREATE TABLE plumbing.migrations (
  version     text PRIMARY KEY,
  fingerprint text NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What comes in by COPY has no volatile default, so that a page is written once for all of its rows: `statement_timestamp()`,
-- and ids that whoever writes brings along (uuidv7() is for those who do not).
CREATE TABLE plumbing.events (
  id          bigint GENERATED ALWAYS AS IDENTITY,
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  event_id    uuid NOT NULL DEFAULT uuidv7() UNIQUE,
  type        text NOT NULL,
  entity      text NOT NULL,
  entity_id   uuid NOT NULL,
  order_id    uuid,
  node_id     uuid,
  channel_id  uuid,
  version     integer,
  actor       text NOT NULL,
  request_id  text,
  reason      text,
  data        jsonb NOT NULL DEFAULT '{}',
  occurred_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (xid, id)                        -- in the order of commits, as cursors read it
);
CREATE INDEX events_of_order ON plumbing.events (order_id, id) WHERE order_id IS NOT NULL;
-- Most are of the order itself, and found by it.
CREATE INDEX events_of_entity ON plumbing.events (entity_id, id) WHERE entity_id IS DISTINCT FROM order_id;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON plumbing.events
  FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON plumbing.events
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

CREATE TABLE plumbing.cursors (
  reader     text PRIMARY KEY,
  xid        xid8 NOT NULL DEFAULT '0',
  id         bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row a journey's subject. Narrow and half filled, since every step updates it in place.
CREATE TABLE plumbing.subjects (
  journey      text NOT NULL,
  subject_id   uuid NOT NULL,
  step         text NOT NULL,
  state        text NOT NULL DEFAULT 'due'
               CHECK (state IN ('due', 'waiting', 'paused', 'parked', 'done', 'undone')),
  undoing      boolean NOT NULL DEFAULT false,
  undo_to      text,
  priority     smallint NOT NULL DEFAULT 0,
  due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts     smallint NOT NULL DEFAULT 0,
  token        bigint NOT NULL DEFAULT 0,
  leased_until timestamptz,
  awaiting     text,
  problem      text,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (journey, subject_id)
) WITH (fillfactor = 50);
CREATE INDEX subjects_due ON plumbing.subjects (journey, step, undoing, priority DESC, due_at) WHERE state = 'due';
CREATE INDEX subjects_overdue ON plumbing.subjects (due_at) WHERE state = 'waiting';
CREATE INDEX subjects_needing_people ON plumbing.subjects (journey, updated_at) WHERE state IN ('parked', 'paused');

-- A wake-up is a row, never an update: whoever learns of news takes no lock on a journey's subject.
CREATE TABLE plumbing.wakes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  journey    text NOT NULL,
  subject_id uuid NOT NULL
);
CREATE INDEX wakes_of_subject ON plumbing.wakes (journey, subject_id);

CREATE TABLE plumbing.idempotency (
  credential text NOT NULL,
  route      text NOT NULL,
  key        text NOT NULL CHECK (length(key) <= 255),
  body_hash  bytea NOT NULL,
  status     smallint,
  body       bytea,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (credential, route, key)
);
CREATE INDEX idempotency_age ON plumbing.idempotency (created_at);
-- Always by key: a plan made while the table was small would read it from end to end later.
CREATE FUNCTION plumbing.answered(credentials text[], routes text[], keys text[]) RETURNS SETOF plumbing.idempotency
  LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
SELECT i.* FROM unnest(credentials, routes, keys) AS t (credential, route, key)
JOIN plumbing.idempotency AS i USING (credential, route, key)
$$;

CREATE TABLE plumbing.users (
  id            uuid PRIMARY KEY DEFAULT uuidv7(),
  email         text NOT NULL UNIQUE,
  name          text NOT NULL DEFAULT '',
  password_hash text NOT NULL,
  role          text NOT NULL,
  nodes         uuid[],
  channels      uuid[],
  active        boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE plumbing.sessions (
  token_hash   bytea PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES plumbing.users ON DELETE CASCADE,
  csrf         text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz
);
CREATE TABLE plumbing.api_keys (
  id           uuid PRIMARY KEY DEFAULT uuidv7(),
  name         text NOT NULL,
  mode         text NOT NULL DEFAULT 'test' CHECK (mode IN ('live', 'test')),
  prefix       text NOT NULL UNIQUE,
  secret_hash  bytea NOT NULL,
  scopes       text[] NOT NULL,
  nodes        uuid[],
  channels     uuid[],
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz
);

-- catalog ----------------------------------------------------------------------------------------------------

CREATE TABLE catalog.items (
  id            uuid PRIMARY KEY DEFAULT uuidv7(),
  sku           text NOT NULL UNIQUE,
  gtin          text,
  name          text NOT NULL,
  weight_g      integer NOT NULL CHECK (weight_g >= 0),
  length_mm     integer NOT NULL CHECK (length_mm >= 0),
  width_mm      integer NOT NULL CHECK (width_mm >= 0),
  height_mm     integer NOT NULL CHECK (height_mm >= 0),
  as_given      jsonb,
  list_price    bigint CHECK (list_price >= 0),
  currency      char(3),
  fragile       boolean NOT NULL DEFAULT false,
  this_side_up  boolean NOT NULL DEFAULT false,
  hazmat_class  text,
  ships_alone   boolean NOT NULL DEFAULT false,
  handling      jsonb NOT NULL DEFAULT '{}',   -- what is seldom asked of packing: load, nesting, company
  -- What is taken without stock: nothing, what supply on its way covers, or any number without a date.
  backorder     text NOT NULL DEFAULT 'refuse' CHECK (backorder IN ('refuse', 'from_supply', 'always')),
  sold_from     date,                          -- pre-order: nothing is released before this day
  tracked_by    text CHECK (tracked_by IN ('lot', 'serial')),
  active        boolean NOT NULL DEFAULT true,
  version       integer NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX items_tracked ON catalog.items (sku) WHERE tracked_by IS NOT NULL;
CREATE INDEX items_by_gtin ON catalog.items (gtin) WHERE gtin IS NOT NULL;
CREATE INDEX items_sold_from ON catalog.items (sold_from) WHERE sold_from IS NOT NULL;
-- As they were until then: a decision made again rests on what it was made on.
CREATE TABLE catalog.items_before (
  key   text NOT NULL REFERENCES catalog.items (sku),
  until timestamptz NOT NULL DEFAULT clock_timestamp(),
  was   jsonb NOT NULL,
  PRIMARY KEY (key, until)
);
CREATE TRIGGER keep_before AFTER UPDATE ON catalog.items
  FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION plumbing.keep_before('sku');
CREATE TABLE catalog.kit_components (
  kit_sku       text NOT NULL REFERENCES catalog.items (sku),
  component_sku text NOT NULL REFERENCES catalog.items (sku),
  quantity      integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (kit_sku, component_sku),
  CHECK (kit_sku <> component_sku)
);

-- network ----------------------------------------------------------------------------------------------------

CREATE TABLE network.nodes (
  id               uuid PRIMARY KEY DEFAULT uuidv7(),
  code             text NOT NULL UNIQUE,
  name             text NOT NULL,
  type             text NOT NULL
                   CHECK (type IN ('fulfillment_center', 'store', 'third_party', 'drop_ship', 'virtual')),
  address          jsonb NOT NULL,
  latitude         double precision,
  longitude        double precision,
  time_zone        text NOT NULL,
  working_days     smallint[] NOT NULL DEFAULT '{1,2,3,4,5}',
  holidays         date[] NOT NULL DEFAULT '{}',
  cutoffs          jsonb NOT NULL DEFAULT '{}',
  processing_hours integer NOT NULL DEFAULT 4 CHECK (processing_hours >= 0),
  daily_capacity   integer CHECK (daily_capacity >= 0),
  pick_cost        bigint NOT NULL DEFAULT 0 CHECK (pick_cost >= 0),
  unit_cost        bigint NOT NULL DEFAULT 0 CHECK (unit_cost >= 0),
  ships_hazmat     boolean NOT NULL DEFAULT false,
  services         text[],
  channels         text[],
  groups           text[] NOT NULL DEFAULT '{}',
  active           boolean NOT NULL DEFAULT true,
  closed_since     timestamptz,                 -- an outage: for the time being it ships nothing
  closed_because   text,
  reopens_at       timestamptz,                 -- by itself; null: once somebody says so
  version          integer NOT NULL DEFAULT 1,
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((closed_since IS NULL) = (closed_because IS NULL)),
  CHECK (closed_since IS NOT NULL OR reopens_at IS NULL)
);
CREATE TABLE network.nodes_before (
  key   text NOT NULL REFERENCES network.nodes (code),
  until timestamptz NOT NULL DEFAULT clock_timestamp(),
  was   jsonb NOT NULL,
  PRIMARY KEY (key, until)
);
CREATE TRIGGER keep_before AFTER UPDATE ON network.nodes
  FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION plumbing.keep_before('code');
CREATE TABLE network.channels (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  code           text NOT NULL UNIQUE,
  name           text NOT NULL,
  type           text NOT NULL CHECK (type IN ('site', 'marketplace', 'store', 'edi', 'file')),
  currency       char(3) NOT NULL,
  time_zone      text NOT NULL DEFAULT 'UTC',
  on_shortage    text NOT NULL DEFAULT 'refuse' CHECK (on_shortage IN ('refuse', 'accept')),
  promise_days   jsonb NOT NULL DEFAULT '{"standard": 5, "expedited": 2, "overnight": 1}',
  split_policy   jsonb NOT NULL DEFAULT '{"max_shipments": 4}',
  promise_confidence smallint NOT NULL DEFAULT 900 CHECK (promise_confidence BETWEEN 500 AND 999), -- permille
  review_above   bigint,
  notices        text[] NOT NULL DEFAULT '{email}',
  excluded_nodes text[] NOT NULL DEFAULT '{}',
  availability_feed jsonb,                     -- adapter and its settings; null: read by cursor only
  edit_rules     jsonb NOT NULL DEFAULT '[]',
  active         boolean NOT NULL DEFAULT true,
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- orders -----------------------------------------------------------------------------------------------------

CREATE SEQUENCE orders.order_number START 100001;
CREATE TABLE orders.orders (
  id             uuid PRIMARY KEY,
  number         text NOT NULL UNIQUE,
  channel_id     uuid NOT NULL,                -- of network.channels: see refuse_strays
  external_id    text NOT NULL,
  body_hash      bytea NOT NULL,
  placed_at      timestamptz NOT NULL,
  decide_as_of   timestamptz,
  currency       char(3) NOT NULL,
  buyer          jsonb NOT NULL,
  ship_to        jsonb NOT NULL,
  service_level  text NOT NULL DEFAULT 'standard',
  priority       smallint NOT NULL DEFAULT 0,
  tags           text[] NOT NULL DEFAULT '{}',
  flags          jsonb NOT NULL DEFAULT '[]',
  subtotal       bigint NOT NULL,
  discount       bigint NOT NULL CHECK (discount >= 0),
  shipping       bigint NOT NULL CHECK (shipping >= 0),
  tax            bigint NOT NULL CHECK (tax >= 0),
  adjustment     bigint NOT NULL DEFAULT 0,
  total          bigint NOT NULL CHECK (total >= 0),
  promise_at     timestamptz,
  ship_complete  boolean NOT NULL DEFAULT false,
  lifecycle      text NOT NULL DEFAULT 'open' CHECK (lifecycle IN ('draft', 'open', 'closed', 'cancelled')),
  min_rank       smallint NOT NULL DEFAULT 100,
  max_rank       smallint NOT NULL DEFAULT 100,
  payment_status text NOT NULL DEFAULT 'unpaid',
  return_status  text NOT NULL DEFAULT 'none',
  late           boolean NOT NULL DEFAULT false,
  delivered_at   timestamptz,
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (channel_id, external_id),
  CHECK (total = subtotal - discount + shipping + tax + adjustment)
) WITH (fillfactor = 60);
-- By their natural keys; always by key, as plumbing.answered.
CREATE FUNCTION orders.known(channels uuid[], names text[]) RETURNS SETOF orders.orders
  LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
SELECT o.* FROM unnest(channels, names) AS t (channel_id, external_id)
JOIN orders.orders AS o USING (channel_id, external_id)
$$;
CREATE INDEX orders_changed ON orders.orders (updated_at, id);
CREATE INDEX orders_by_lifecycle ON orders.orders (lifecycle, min_rank, id);
CREATE INDEX orders_by_email ON orders.orders ((buyer ->> 'email'));
CREATE INDEX orders_by_placement ON orders.orders (placed_at DESC, id DESC);

-- Each date an order was bound to instead of the one before. `slip`: work or a parcel came behind it.
CREATE TABLE orders.repromises (
  order_id       uuid NOT NULL REFERENCES orders.orders,
  was            timestamptz NOT NULL,
  promise_at     timestamptz NOT NULL,
  why            text NOT NULL,
  slip           boolean NOT NULL,
  made_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (order_id, made_at),
  CHECK (promise_at <> was AND (NOT slip OR promise_at > was))
);
-- A date slips once.
CREATE UNIQUE INDEX one_slip_a_date ON orders.repromises (order_id, was) WHERE slip;

CREATE TABLE orders.lines (
  id           uuid PRIMARY KEY,
  order_id     uuid NOT NULL,                  -- of orders.orders: see refuse_strays
  position     smallint NOT NULL,
  kit_line_id  uuid,                           -- of orders.lines
  is_kit       boolean NOT NULL DEFAULT false,
  external_id  text,
  sku          text NOT NULL,                  -- of catalog.items
  name         text NOT NULL,
  quantity     integer NOT NULL CHECK (quantity > 0),
  unit_price   bigint NOT NULL CHECK (unit_price >= 0),
  discount     bigint NOT NULL DEFAULT 0 CHECK (discount >= 0),
  tax          bigint NOT NULL DEFAULT 0 CHECK (tax >= 0),
  total        bigint NOT NULL CHECK (total >= 0),
  fixed_node_id uuid,                          -- of network.nodes
  min_rank     smallint NOT NULL DEFAULT 100,
  max_rank     smallint NOT NULL DEFAULT 100,
  UNIQUE (order_id, position)
) WITH (fillfactor = 50);
CREATE INDEX lines_by_sku ON orders.lines (sku);

CREATE SEQUENCE orders.fulfillment_number START 500001;
CREATE TABLE orders.fulfillments (
  id             uuid PRIMARY KEY,
  number         text NOT NULL UNIQUE DEFAULT 'FO-' || nextval('orders.fulfillment_number')::text,
  order_id       uuid NOT NULL,                -- of orders.orders: see refuse_strays
  node_id        uuid NOT NULL,                -- of network.nodes
  decision_id    uuid,
  carrier        text,
  service        text,
  planned_cost   bigint NOT NULL DEFAULT 0,
  ship_by        timestamptz,
  status         text NOT NULL DEFAULT 'open'
                 CHECK (status IN ('open', 'scheduled', 'in_progress', 'closed', 'incomplete', 'cancelled')),
  request_status text NOT NULL DEFAULT 'unsubmitted'
                 CHECK (request_status IN ('unsubmitted', 'submitted', 'accepted', 'rejected',
                        'cancellation_requested', 'cancellation_accepted', 'cancellation_rejected', 'closed')),
  min_rank       smallint NOT NULL DEFAULT 400,
  max_rank       smallint NOT NULL DEFAULT 400,
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT statement_timestamp()
) WITH (fillfactor = 60);
CREATE INDEX fulfillments_of_order ON orders.fulfillments (order_id);
CREATE INDEX fulfillments_at_node ON orders.fulfillments (node_id, status, id);
CREATE INDEX fulfillments_behind ON orders.fulfillments (ship_by) WHERE status IN ('open', 'scheduled', 'in_progress');
-- Of these orders; always by key, as plumbing.answered.
CREATE FUNCTION orders.works_of(orders uuid[]) RETURNS SETOF orders.fulfillments
  LANGUAGE sql STABLE SET enable_seqscan = off AS $$
SELECT f.* FROM orders.fulfillments AS f WHERE f.order_id = ANY(orders)
$$;
-- Units that a node was asked to let go, until it answers.
CREATE TABLE orders.cancellation_requests (
  fulfillment_id uuid NOT NULL REFERENCES orders.fulfillments,
  line_id        uuid NOT NULL REFERENCES orders.lines,
  quantity       integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (fulfillment_id, line_id)
);

CREATE TABLE orders.slices (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id       uuid NOT NULL,
  line_id        uuid NOT NULL,                -- of orders.lines: see refuse_strays
  sku            text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  rank           smallint NOT NULL
                 CHECK (rank IN (100, 110, 120, 150, 200, 300, 400, 450, 500, 550, 600, 700, 800, 900)),
  node_id        uuid,                         -- of network.nodes
  fulfillment_id uuid REFERENCES orders.fulfillments,
  CHECK ((rank BETWEEN 200 AND 800) <= (node_id IS NOT NULL)),
  CHECK ((rank BETWEEN 400 AND 800) <= (fulfillment_id IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX slices_of_order ON orders.slices (order_id);
CREATE INDEX slices_of_fulfillment ON orders.slices (fulfillment_id) WHERE fulfillment_id IS NOT NULL;
CREATE INDEX slices_holding_stock ON orders.slices (node_id, sku) WHERE rank BETWEEN 200 AND 699;
CREATE INDEX slices_short ON orders.slices (sku) WHERE rank BETWEEN 100 AND 150;
-- What new rows of an order refer to is looked at once for the whole set, and once for all that refer to the same. A
-- foreign key locks the row referred to, hot ones too, for every row that comes in: that was two fifths of all PostgreSQL did
-- for an order of a bulk. What they refer to is never deleted, and they never come to refer to anything else.
-- Always by key: a plan made while the tables were small would read them from end to end later.
CREATE FUNCTION orders.refuse_stray_orders() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT channel_id FROM fresh) AS o LEFT JOIN network.channels AS c ON c.id = o.channel_id
             WHERE c.id IS NULL) THEN
    RAISE EXCEPTION 'an order is of no channel' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION orders.refuse_stray_lines() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
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
CREATE FUNCTION orders.refuse_stray_fulfillments() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS f LEFT JOIN orders.orders AS o ON o.id = f.order_id WHERE o.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT node_id FROM fresh) AS f LEFT JOIN network.nodes AS n ON n.id = f.node_id
                WHERE n.id IS NULL) THEN
    RAISE EXCEPTION 'a fulfillment order is of no order or no node' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION orders.refuse_stray_slices() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS s LEFT JOIN orders.lines AS l ON l.id = s.line_id AND l.order_id = s.order_id
             WHERE l.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT node_id FROM fresh) AS s LEFT JOIN network.nodes AS n ON n.id = s.node_id
                WHERE n.id IS NULL AND s.node_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a slice is of no line of its order, or at no node' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_strays AFTER INSERT ON orders.orders REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_orders();
CREATE TRIGGER refuse_strays AFTER INSERT ON orders.lines REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_lines();
CREATE TRIGGER refuse_strays AFTER INSERT ON orders.fulfillments REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_fulfillments();
CREATE TRIGGER refuse_strays AFTER INSERT ON orders.slices REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_stray_slices();
CREATE TRIGGER stays BEFORE UPDATE OF id, channel_id ON orders.orders
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, sku, kit_line_id ON orders.lines
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, node_id ON orders.fulfillments
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER stays BEFORE UPDATE OF id ON network.channels
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON network.channels FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON orders.orders FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON orders.lines FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON catalog.items FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON network.nodes FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TABLE orders.holds (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id       uuid NOT NULL REFERENCES orders.orders,
  line_id        uuid REFERENCES orders.lines,
  fulfillment_id uuid REFERENCES orders.fulfillments,
  type           text NOT NULL,
  blocks         text[] NOT NULL,
  note           text,
  raised_by      text NOT NULL,
  raised_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at         timestamptz NOT NULL,
  cleared_at     timestamptz,
  cleared_by     text
);
CREATE INDEX holds_active ON orders.holds (order_id) WHERE cleared_at IS NULL;

CREATE TABLE orders.exceptions (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  kind        text NOT NULL,
  order_id    uuid REFERENCES orders.orders,
  entity      text NOT NULL,
  entity_id   uuid NOT NULL,
  detail      text NOT NULL,
  way_out     text NOT NULL,
  owner       text,
  due_at      timestamptz NOT NULL,
  opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz,
  resolved_by text,
  resolution  text
);
CREATE UNIQUE INDEX exceptions_open ON orders.exceptions (entity_id, kind) WHERE resolved_at IS NULL;
CREATE INDEX exceptions_queue ON orders.exceptions (due_at) WHERE resolved_at IS NULL;
CREATE INDEX exceptions_of_order ON orders.exceptions (order_id);

-- Orders sent as a file, taken in by a worker. A row keeps what it says until it has its outcome, and not longer.
CREATE TABLE orders.bulk_jobs (
  id         uuid PRIMARY KEY,
  name       text NOT NULL DEFAULT '',
  state      text NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'running', 'done', 'cancelled')),
  on_error   text NOT NULL CHECK (on_error IN ('reject_all', 'reject_failed', 'ignore_failed')),
  dry_run    boolean NOT NULL DEFAULT false,
  credential uuid,
  created_by text NOT NULL,
  rows       integer NOT NULL DEFAULT 0,
  created    integer NOT NULL DEFAULT 0,
  duplicates integer NOT NULL DEFAULT 0,
  failed     integer NOT NULL DEFAULT 0,
  version    integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at   timestamptz,
  request_key    text,   -- a file sent again with it is this job
  request_digest bytea,  -- of the file, once it has come in whole
  CHECK ((ended_at IS NOT NULL) = (state IN ('done', 'cancelled')))
);
CREATE UNIQUE INDEX bulk_jobs_by_request ON orders.bulk_jobs (credential, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX bulk_jobs_under_way ON orders.bulk_jobs (credential) WHERE ended_at IS NULL;
CREATE TABLE orders.bulk_rows (
  job_id      uuid NOT NULL REFERENCES orders.bulk_jobs ON DELETE CASCADE,
  row         integer NOT NULL,
  external_id text,
  draft       jsonb,
  outcome     text CHECK (outcome IN ('created', 'duplicate', 'invalid', 'too_large', 'insufficient_stock',
                          'not_kept', 'cancelled', 'defect')),
  order_id    uuid,
  faults      jsonb,
  PRIMARY KEY (job_id, row),
  CHECK ((draft IS NULL) <> (outcome IS NULL))
);
CREATE INDEX bulk_rows_to_do ON orders.bulk_rows (job_id, row) WHERE outcome IS NULL;
CREATE INDEX bulk_rows_failed ON orders.bulk_rows (job_id, row) WHERE outcome NOT IN ('created', 'duplicate');

-- inventory --------------------------------------------------------------------------------------------------

CREATE TABLE inventory.stock (
  node_id         uuid NOT NULL REFERENCES network.nodes,
  sku             text NOT NULL REFERENCES catalog.items (sku),
  on_hand         integer NOT NULL DEFAULT 0,
  reserved        integer NOT NULL DEFAULT 0,
  allocated       integer NOT NULL DEFAULT 0,
  damaged         integer NOT NULL DEFAULT 0,
  quality_control integer NOT NULL DEFAULT 0,
  safety_stock    integer NOT NULL DEFAULT 0 CHECK (safety_stock >= 0),
  backorder_limit integer NOT NULL DEFAULT 0 CHECK (backorder_limit >= 0),
  version         integer NOT NULL DEFAULT 1,
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (node_id, sku),
  CHECK (damaged >= 0 AND quality_control >= 0 AND on_hand >= damaged + quality_control),
  CONSTRAINT never_oversold CHECK (reserved >= 0 AND allocated >= 0
    AND reserved + allocated + damaged + quality_control <= on_hand + backorder_limit)
) WITH (fillfactor = 40);
CREATE INDEX stock_by_sku ON inventory.stock (sku, node_id);

CREATE TABLE inventory.movements (
  id                    bigint GENERATED ALWAYS AS IDENTITY,
  xid                   xid8 NOT NULL DEFAULT pg_current_xact_id(),
  node_id               uuid NOT NULL,
  sku                   text NOT NULL,
  kind                  text NOT NULL CHECK (kind IN ('received', 'reserved', 'unreserved', 'allocated',
                        'unallocated', 'shipped', 'adjusted', 'counted', 'transferred', 'returned', 'disposed')),
  on_hand_delta         integer NOT NULL DEFAULT 0,
  reserved_delta        integer NOT NULL DEFAULT 0,
  allocated_delta       integer NOT NULL DEFAULT 0,
  damaged_delta         integer NOT NULL DEFAULT 0,
  quality_control_delta integer NOT NULL DEFAULT 0,
  cause_type            text NOT NULL,
  cause_id              uuid,
  actor                 text NOT NULL,
  reason                text,
  as_of                 timestamptz,           -- a count is true as of then, though it was posted later
  moved_at              timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (xid, id)                        -- the ledger is also the log of stock: the channels' feed follows it
);
CREATE INDEX movements_of_stock ON inventory.movements (node_id, sku, id);
CREATE INDEX movements_of_cause ON inventory.movements (cause_id) WHERE cause_id IS NOT NULL;
-- What was there at a moment, for counts that speak of it.
CREATE INDEX movements_physical ON inventory.movements (node_id, sku, (coalesce(as_of, moved_at)))
  WHERE on_hand_delta <> 0 OR damaged_delta <> 0 OR quality_control_delta <> 0;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory.movements
  FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON inventory.movements
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

-- Sums of the ledger up to a movement, so that a long history need not be read to explain a number. A balance's movements
-- are written under its lock, so all before one that is seen are seen.
CREATE TABLE inventory.tallies (
  node_id         uuid NOT NULL,
  sku             text NOT NULL,
  kind            text NOT NULL,
  through         bigint NOT NULL,
  entries         bigint NOT NULL,
  on_hand         bigint NOT NULL,
  reserved        bigint NOT NULL,
  allocated       bigint NOT NULL,
  damaged         bigint NOT NULL,
  quality_control bigint NOT NULL,
  PRIMARY KEY (node_id, sku, kind)
);

-- Safety stock by rule: what names more is stronger; a rule of a channel is on top, for that channel alone.
CREATE TABLE inventory.safety_rules (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  channel_id uuid REFERENCES network.channels,
  node_id    uuid REFERENCES network.nodes,
  sku        text REFERENCES catalog.items (sku),
  units      integer NOT NULL CHECK (units >= 0),
  source     text NOT NULL DEFAULT 'set' CHECK (source IN ('set', 'computed')),
  basis      jsonb,                            -- what a computed one was computed from
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  watched    bigint,                           -- of a computed one: movements up to this are in the next three
  available  integer NOT NULL DEFAULT 0,
  exposures  integer NOT NULL DEFAULT 0,
  oversold   integer NOT NULL DEFAULT 0,
  UNIQUE NULLS NOT DISTINCT (channel_id, node_id, sku)
);

-- Units of a SKU set aside for a channel. `drawn` counts what the channel has claimed since, net of what it gave back;
-- a SKU with any allotment has a row for every channel that draws on it.
CREATE TABLE inventory.allotments (
  sku          text NOT NULL REFERENCES catalog.items (sku),
  channel_id   uuid NOT NULL REFERENCES network.channels,
  kind         text NOT NULL CHECK (kind IN ('fixed', 'share', 'none')),
  units        integer CHECK (units >= 0),
  permille     integer CHECK (permille BETWEEN 0 AND 1000),
  takes_shared boolean NOT NULL DEFAULT true,  -- may draw on the shared pool once its own is used up
  drawn        integer NOT NULL DEFAULT 0,
  ends_at      timestamptz,                    -- then what is unused spills over into the shared pool
  version      integer NOT NULL DEFAULT 1,
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sku, channel_id),
  CHECK ((kind = 'fixed') = (units IS NOT NULL) AND (kind = 'share') = (permille IS NOT NULL))
);

-- Stock kept for a cart, with an end. An order's own reservation is its slices ranked reserved.
CREATE TABLE inventory.reservations (
  id          uuid PRIMARY KEY,
  channel_id  uuid NOT NULL REFERENCES network.channels,
  owner       text,                            -- the cart or buyer, as the channel names it
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'consumed', 'cancelled', 'expired')),
  expires_at  timestamptz NOT NULL,
  order_id    uuid REFERENCES orders.orders,
  version     integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((state = 'consumed') = (order_id IS NOT NULL))
) WITH (fillfactor = 60);
CREATE INDEX reservations_expiring ON inventory.reservations (expires_at) WHERE state = 'open';
CREATE INDEX reservations_of_owner ON inventory.reservations (channel_id, owner) WHERE state = 'open';
CREATE TABLE inventory.reservation_lines (
  reservation_id uuid NOT NULL REFERENCES inventory.reservations,
  position       smallint NOT NULL,
  sku            text NOT NULL REFERENCES catalog.items (sku),
  quantity       integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (reservation_id, position)
);
-- The units kept, kits exploded. Rows of a reservation that has ended stay as its record and hold nothing.
CREATE TABLE inventory.reservation_units (
  reservation_id uuid NOT NULL REFERENCES inventory.reservations,
  position       smallint NOT NULL,
  node_id        uuid NOT NULL REFERENCES network.nodes,
  sku            text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (reservation_id, position, node_id, sku)
);
CREATE INDEX reservation_units_at ON inventory.reservation_units (node_id, sku);

-- What is on its way: purchase orders, advance ship notices, transfers. Units are expected until received or closed.
CREATE TABLE inventory.supplies (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  kind       text NOT NULL CHECK (kind IN ('purchase_order', 'ship_notice', 'transfer')),
  reference  text NOT NULL,
  node_id    uuid NOT NULL REFERENCES network.nodes,
  from_node  uuid REFERENCES network.nodes,    -- transfers: where the units left
  state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'cancelled')),
  due_at     timestamptz NOT NULL,
  version    integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (kind, reference),
  CHECK ((kind = 'transfer') = (from_node IS NOT NULL))
);
CREATE INDEX supplies_due ON inventory.supplies (due_at) WHERE state = 'open';
CREATE TABLE inventory.supply_lines (
  supply_id  uuid NOT NULL REFERENCES inventory.supplies,
  position   smallint NOT NULL,
  sku        text NOT NULL REFERENCES catalog.items (sku),
  expected   integer NOT NULL CHECK (expected > 0),
  received   integer NOT NULL DEFAULT 0 CHECK (received >= 0),
  lost       integer NOT NULL DEFAULT 0 CHECK (lost >= 0),
  due_at     timestamptz,                      -- this line's own date, when it differs
  of_supply  uuid,                             -- a ship notice's line names the purchase order's line it fulfils,
  of_position smallint,                        -- whose open units it takes over, so that none is counted twice
  PRIMARY KEY (supply_id, position),
  FOREIGN KEY (of_supply, of_position) REFERENCES inventory.supply_lines (supply_id, position)
);
CREATE INDEX supply_lines_by_sku ON inventory.supply_lines (sku);
CREATE INDEX supply_lines_taken_over ON inventory.supply_lines (of_supply, of_position) WHERE of_supply IS NOT NULL;
-- The units each line still brings. A notice takes over what it announces of a purchase order's line while it is open,
-- and what it brought once it has ended; the rest is the purchase order's own again.
CREATE VIEW inventory.coming AS
SELECT s.id AS supply_id, l.position, l.sku, s.kind, s.reference, s.node_id, s.from_node,
       coalesce(l.due_at, s.due_at) AS due_at, l.expected - l.received - l.lost - t.units AS units
FROM inventory.supplies AS s JOIN inventory.supply_lines AS l ON l.supply_id = s.id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(CASE n.state WHEN 'open' THEN greatest(a.expected, a.received) ELSE a.received END), 0)::int AS units
  FROM inventory.supply_lines AS a JOIN inventory.supplies AS n ON n.id = a.supply_id
  WHERE a.of_supply = l.supply_id AND a.of_position = l.position
) AS t
WHERE s.state = 'open' AND l.expected - l.received - l.lost - t.units > 0;

-- The last absolute quantity each source has had applied: an older one changes nothing (S7).
CREATE TABLE inventory.snapshots (
  source     text NOT NULL,
  node_id    uuid NOT NULL REFERENCES network.nodes,
  sku        text NOT NULL REFERENCES catalog.items (sku),
  as_of      timestamptz,
  sequence   bigint,
  on_hand    integer NOT NULL CHECK (on_hand >= 0),
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source, node_id, sku)
);
CREATE INDEX snapshots_of_stock ON inventory.snapshots (node_id, sku);

-- Cycle counts: what people counted, before it is approved and posted.
CREATE SEQUENCE inventory.count_number START 1001;
CREATE TABLE inventory.counts (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  number     text NOT NULL UNIQUE,
  node_id    uuid NOT NULL REFERENCES network.nodes,
  state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'posted', 'cancelled')),
  blind      boolean NOT NULL DEFAULT true,    -- who counts is not shown what is expected
  tolerance  integer NOT NULL DEFAULT 0 CHECK (tolerance >= 0),
  created_by text NOT NULL,
  version    integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX counts_open ON inventory.counts (node_id) WHERE state = 'open';
CREATE TABLE inventory.count_lines (
  count_id   uuid NOT NULL REFERENCES inventory.counts,
  sku        text NOT NULL REFERENCES catalog.items (sku),
  counted    integer CHECK (counted >= 0),
  counted_at timestamptz,
  counted_by text,
  recounts   smallint NOT NULL DEFAULT 0,
  lots       jsonb,                            -- of tracked items: units by lot
  expected   integer,                          -- once posted: what the ledger had at that moment
  PRIMARY KEY (count_id, sku)
);

-- Units of tracked items by lot; a serial number is a lot of one. Their sum is the balance on hand.
CREATE TABLE inventory.lots (
  node_id    uuid NOT NULL REFERENCES network.nodes,
  sku        text NOT NULL REFERENCES catalog.items (sku),
  lot        text NOT NULL,
  expires_on date,
  on_hand    integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
  allocated  integer NOT NULL DEFAULT 0 CHECK (allocated >= 0),
  expired    integer NOT NULL DEFAULT 0 CHECK (expired >= 0),  -- of on_hand: put into quality control
  serial     boolean NOT NULL DEFAULT false,
  version    integer NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (node_id, sku, lot),
  CHECK (allocated + expired <= on_hand),
  CHECK (NOT serial OR on_hand <= 1)
);
CREATE UNIQUE INDEX serial_once ON inventory.lots (sku, lot) WHERE serial AND on_hand > 0;
CREATE INDEX lots_expiring ON inventory.lots (expires_on) WHERE on_hand > expired;
CREATE INDEX lots_by_name ON inventory.lots (sku, lot);
CREATE TABLE inventory.lot_movements (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  node_id         uuid NOT NULL,
  sku             text NOT NULL,
  lot             text NOT NULL,
  on_hand_delta   integer NOT NULL DEFAULT 0,
  allocated_delta integer NOT NULL DEFAULT 0,
  cause_type      text NOT NULL,
  cause_id        uuid,
  actor           text NOT NULL,
  reason          text,
  as_of           timestamptz,                 -- a count is true as of then
  moved_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX lot_movements_of_lot ON inventory.lot_movements (sku, lot, id);
CREATE INDEX lot_movements_of_cause ON inventory.lot_movements (cause_id) WHERE cause_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory.lot_movements
  FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON inventory.lot_movements
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
-- Which lots a fulfillment order's units are taken from, first expiring first.
CREATE TABLE inventory.lot_picks (
  fulfillment_id uuid NOT NULL REFERENCES orders.fulfillments,
  line_id        uuid NOT NULL REFERENCES orders.lines,
  node_id        uuid NOT NULL,
  sku            text NOT NULL,
  lot            text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  shipped        boolean NOT NULL DEFAULT false,
  PRIMARY KEY (fulfillment_id, line_id, lot),
  FOREIGN KEY (node_id, sku, lot) REFERENCES inventory.lots (node_id, sku, lot)
);
CREATE INDEX lot_picks_of_lot ON inventory.lot_picks (node_id, sku, lot);
CREATE INDEX lot_picks_of_line ON inventory.lot_picks (line_id);

-- payments ---------------------------------------------------------------------------------------------------

CREATE TABLE payments.intents (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id   uuid NOT NULL,                    -- of orders.orders: see refuse_strays
  sequence   smallint NOT NULL DEFAULT 1,
  gateway    text NOT NULL,
  method     text NOT NULL,
  token      text NOT NULL,
  amount     bigint NOT NULL CHECK (amount > 0),
  currency   char(3) NOT NULL,
  status     text NOT NULL DEFAULT 'pending'
             CHECK (status IN ('pending', 'authorized', 'replaced', 'declined', 'voided', 'captured', 'expired')),
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  UNIQUE (order_id, sequence)
) WITH (fillfactor = 50);
CREATE FUNCTION payments.refuse_stray_intents() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS i LEFT JOIN orders.orders AS o ON o.id = i.order_id WHERE o.id IS NULL) THEN
    RAISE EXCEPTION 'an intent is of no order' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_strays AFTER INSERT ON payments.intents REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_stray_intents();
CREATE TRIGGER stays BEFORE UPDATE OF id, order_id ON payments.intents
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TABLE payments.refunds (
  id           uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id     uuid NOT NULL REFERENCES orders.orders,
  return_id    uuid,
  amount       bigint NOT NULL CHECK (amount > 0),
  currency     char(3) NOT NULL,
  reason       text NOT NULL,
  requested_by text NOT NULL,
  request_key  text NOT NULL UNIQUE,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX refunds_of_order ON payments.refunds (order_id);
CREATE INDEX refunds_of_return ON payments.refunds (return_id) WHERE return_id IS NOT NULL;
CREATE TABLE payments.transactions (
  id           uuid PRIMARY KEY DEFAULT uuidv7(),
  intent_id    uuid NOT NULL,                  -- of payments.intents, as is the order: see refuse_strays
  order_id     uuid NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
  subject_id   uuid NOT NULL,
  amount       bigint NOT NULL CHECK (amount > 0),
  currency     char(3) NOT NULL,
  key          text NOT NULL UNIQUE,
  status       text NOT NULL DEFAULT 'requested'
               CHECK (status IN ('requested', 'succeeded', 'failed', 'unknown')),
  provider_ref text,
  code         text,
  message      text,
  created_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
  resolved_at  timestamptz,
  UNIQUE (intent_id, kind, subject_id)
) WITH (fillfactor = 70);
CREATE FUNCTION payments.refuse_stray_transactions() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS t LEFT JOIN payments.intents AS i ON i.id = t.intent_id AND i.order_id = t.order_id
             WHERE i.id IS NULL) THEN
    RAISE EXCEPTION 'a transaction is of no intent of its order' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_strays AFTER INSERT ON payments.transactions REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_stray_transactions();
CREATE TRIGGER stays BEFORE UPDATE OF id, intent_id, order_id ON payments.transactions
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON payments.intents FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE INDEX transactions_of_order ON payments.transactions (order_id);
CREATE INDEX transactions_open ON payments.transactions (created_at) WHERE status IN ('requested', 'unknown');
CREATE UNIQUE INDEX transactions_provider_ref ON payments.transactions (kind, provider_ref)
  WHERE provider_ref IS NOT NULL AND status = 'succeeded';
-- What a shipment (a fulfillment order's goods) is charged, fixed once; refunds are reckoned from these rows (M5).
CREATE TABLE payments.charges (
  shipment_id uuid PRIMARY KEY REFERENCES orders.fulfillments,
  order_id    uuid NOT NULL REFERENCES orders.orders,
  amount      bigint NOT NULL CHECK (amount >= 0),
  sales       bigint NOT NULL,
  shipping    bigint NOT NULL,
  tax         bigint NOT NULL,
  adjustment  bigint NOT NULL,
  currency    char(3) NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (amount = sales + shipping + tax + adjustment)
);
CREATE INDEX charges_of_order ON payments.charges (order_id);
CREATE TABLE payments.charge_lines (
  shipment_id uuid NOT NULL REFERENCES payments.charges,
  line_id     uuid NOT NULL REFERENCES orders.lines,
  first_unit  integer NOT NULL CHECK (first_unit >= 0),
  last_unit   integer NOT NULL CHECK (last_unit > first_unit),
  sales       bigint NOT NULL,
  shipping    bigint NOT NULL,
  tax         bigint NOT NULL,
  adjustment  bigint NOT NULL,
  PRIMARY KEY (shipment_id, line_id),
  UNIQUE (line_id, first_unit),
  CHECK (sales + shipping + tax + adjustment >= 0)
);
CREATE TABLE payments.refund_lines (
  refund_id  uuid NOT NULL REFERENCES payments.refunds,
  line_id    uuid NOT NULL REFERENCES orders.lines,
  first_unit integer NOT NULL CHECK (first_unit >= 0),
  last_unit  integer NOT NULL CHECK (last_unit > first_unit),
  amount     bigint NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (refund_id, line_id),
  UNIQUE (line_id, first_unit)
);
CREATE TABLE payments.entries (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id   uuid NOT NULL REFERENCES orders.orders,
  posting_id uuid NOT NULL,
  account    text NOT NULL CHECK (account IN ('receivable', 'sales', 'shipping', 'tax', 'adjustment', 'cash',
             'returns')),
  amount     bigint NOT NULL,
  currency   char(3) NOT NULL,
  posted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (posting_id, account)
);
CREATE INDEX entries_of_order ON payments.entries (order_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments.entries
  FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON payments.entries
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();

-- routing ----------------------------------------------------------------------------------------------------

-- Sourcing profiles, a row a version. What one says never changes; at most one is active.
CREATE TABLE routing.profiles (
  id           uuid PRIMARY KEY DEFAULT uuidv7(),
  name         text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  status       text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'tested', 'active', 'retired')),
  document     jsonb NOT NULL,
  tested       jsonb,                           -- what its own tests came to when they ran last
  note         text,
  created_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  activated_at timestamptz,                     -- for the first time
  UNIQUE (name, version),
  CHECK (status <> 'active' OR activated_at IS NOT NULL)
);
CREATE UNIQUE INDEX one_profile_active ON routing.profiles ((true)) WHERE status = 'active';
CREATE TRIGGER immutable BEFORE DELETE OR UPDATE OF id, name, version, document ON routing.profiles
  FOR EACH ROW EXECUTE FUNCTION plumbing.refuse_change();

CREATE TABLE routing.decisions (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id       uuid NOT NULL,                -- of orders.orders: see refuse_strays
  kind           text NOT NULL DEFAULT 'route',
  outcome        text NOT NULL,
  record         bytea NOT NULL,                -- question and answer, as routing.kept packs them
  cost           bigint,
  runner_up_cost bigint,
  shipments      smallint,
  profile_id     uuid,                         -- of routing.profiles
  decided_as_of  timestamptz NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE FUNCTION routing.refuse_stray_decisions() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh AS d LEFT JOIN orders.orders AS o ON o.id = d.order_id WHERE o.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT profile_id FROM fresh) AS d LEFT JOIN routing.profiles AS p ON p.id = d.profile_id
                WHERE p.id IS NULL AND d.profile_id IS NOT NULL) THEN
    RAISE EXCEPTION 'a decision is of no order or no profile' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_strays AFTER INSERT ON routing.decisions REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION routing.refuse_stray_decisions();
CREATE TRIGGER stays BEFORE UPDATE OF id, order_id, profile_id ON routing.decisions
  FOR EACH STATEMENT EXECUTE FUNCTION plumbing.refuse_change();
CREATE INDEX decisions_of_order ON routing.decisions (order_id, id);

-- A version tried on decisions that were made: the last ones, or as a shadow those that come, so many of a thousand.
CREATE TABLE routing.trials (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  profile_id uuid NOT NULL REFERENCES routing.profiles,
  shadow     boolean NOT NULL,
  permille   smallint NOT NULL DEFAULT 1000 CHECK (permille BETWEEN 1 AND 1000),
  began_by   text NOT NULL,
  began_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at   timestamptz
);
CREATE INDEX trials_of_profile ON routing.trials (profile_id, id);
CREATE UNIQUE INDEX one_shadow ON routing.trials ((true)) WHERE shadow AND ended_at IS NULL;
CREATE TABLE routing.comparisons (
  trial_id    uuid NOT NULL REFERENCES routing.trials,
  decision_id uuid NOT NULL REFERENCES routing.decisions,
  order_id    uuid NOT NULL REFERENCES orders.orders,
  answered_at timestamptz,
  changed     boolean,
  before      jsonb,
  after       jsonb,
  moved       jsonb NOT NULL DEFAULT '[]',      -- what it was decided on and is no more as it was then
  failed      text,                             -- why it could not be decided again
  PRIMARY KEY (trial_id, decision_id),
  CHECK (answered_at IS NULL OR failed IS NOT NULL OR (changed, before, after) IS NOT NULL)
);
CREATE INDEX comparisons_open ON routing.comparisons (trial_id, decision_id) WHERE answered_at IS NULL;

-- What a unit is worth if it stays where it is, as the last batch priced it; routing passes over prices grown old.
CREATE TABLE routing.scarcity (
  node_id   uuid NOT NULL REFERENCES network.nodes,
  sku       text NOT NULL REFERENCES catalog.items (sku),
  price     bigint NOT NULL CHECK (price > 0),
  priced_at timestamptz NOT NULL,
  PRIMARY KEY (sku, node_id)
);
-- The last batches that were put in force. `last_order`: where the worker goes on; null once it has come to the end.
CREATE TABLE routing.batches (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  began_at    timestamptz NOT NULL,
  began_by    text NOT NULL,
  orders      integer NOT NULL,
  changed     integer NOT NULL,
  passed_over integer NOT NULL,
  currency    char(3),
  cost_before bigint NOT NULL,
  cost        bigint NOT NULL,
  bound       bigint NOT NULL,
  priced      integer NOT NULL,
  last_order  uuid
);

-- packing ----------------------------------------------------------------------------------------------------

CREATE TABLE packing.cartons (
  code            text PRIMARY KEY,
  name            text NOT NULL,
  outer_mm        integer[] NOT NULL CHECK (cardinality(outer_mm) = 3),
  inner_mm        integer[] NOT NULL CHECK (cardinality(inner_mm) = 3),
  tare_g          integer NOT NULL CHECK (tare_g >= 0),
  max_weight_g    integer NOT NULL CHECK (max_weight_g > 0),
  cost            bigint NOT NULL DEFAULT 0 CHECK (cost >= 0),
  flexible        boolean NOT NULL DEFAULT false,  -- a bag or mailer: its inner height is how thick it may be filled
  active          boolean NOT NULL DEFAULT true
);
CREATE TABLE packing.cartons_before (
  key   text NOT NULL REFERENCES packing.cartons (code),
  until timestamptz NOT NULL DEFAULT clock_timestamp(),
  was   jsonb NOT NULL,
  PRIMARY KEY (key, until)
);
CREATE TRIGGER keep_before AFTER UPDATE ON packing.cartons
  FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION plumbing.keep_before('code');
-- A node with any row packs into these cartons alone; one whose stock is null never runs out.
CREATE TABLE packing.node_cartons (
  node_id uuid NOT NULL REFERENCES network.nodes,
  carton  text NOT NULL REFERENCES packing.cartons (code),
  stock   integer CHECK (stock >= 0),
  PRIMARY KEY (node_id, carton)
);
-- How it is packed; of several rows the most specific holds, whole: node and channel, node, channel, all.
CREATE TABLE packing.rules (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  node_id    uuid REFERENCES network.nodes,
  channel_id uuid REFERENCES network.channels,
  terms      jsonb NOT NULL,
  version    integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (node_id, channel_id)
);
CREATE TABLE packing.plans (
  fulfillment_id uuid PRIMARY KEY REFERENCES orders.fulfillments,
  plan           jsonb NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE SEQUENCE packing.wave_number START 1001;
CREATE TABLE packing.waves (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  number     text NOT NULL UNIQUE,
  node_id    uuid NOT NULL REFERENCES network.nodes,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE packing.wave_fulfillments (
  fulfillment_id uuid PRIMARY KEY REFERENCES orders.fulfillments,
  wave_id        uuid NOT NULL REFERENCES packing.waves
);
CREATE TABLE packing.packages (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  fulfillment_id uuid NOT NULL REFERENCES orders.fulfillments,
  order_id       uuid NOT NULL REFERENCES orders.orders,
  sequence       smallint NOT NULL,
  carton         text,
  length_mm      integer,
  width_mm       integer,
  height_mm      integer,
  weight_g       integer,
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'packed', 'cancelled')),
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (fulfillment_id, sequence)
);
CREATE INDEX packages_of_order ON packing.packages (order_id);
CREATE TABLE packing.package_items (
  package_id uuid NOT NULL REFERENCES packing.packages,
  line_id    uuid NOT NULL REFERENCES orders.lines,
  sku        text NOT NULL,
  quantity   integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (package_id, line_id)
);
CREATE TABLE packing.scans (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fulfillment_id uuid NOT NULL REFERENCES orders.fulfillments,
  package_id     uuid REFERENCES packing.packages,
  kind           text NOT NULL CHECK (kind IN ('pick', 'unpick', 'pack', 'unpack', 'short')),
  code           text NOT NULL,
  sku            text,
  line_id        uuid,
  quantity       integer NOT NULL CHECK (quantity > 0),
  accepted       boolean NOT NULL,
  refusal        text,
  actor          text NOT NULL,
  scanned_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX scans_of_fulfillment ON packing.scans (fulfillment_id);

-- shipping ---------------------------------------------------------------------------------------------------

CREATE TABLE shipping.carriers (
  code    text PRIMARY KEY,
  name    text NOT NULL,
  adapter text NOT NULL,
  active  boolean NOT NULL DEFAULT true
);
-- A contract version is immutable: a change is a new row with its own dates.
CREATE TABLE shipping.contracts (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  carrier    text NOT NULL REFERENCES shipping.carriers (code),
  version    integer NOT NULL,
  valid_from timestamptz NOT NULL,
  valid_to   timestamptz,
  terms      jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (carrier, version)
);
-- What was spent with a carrier in a week, by what was known when it was summed: a row is never changed, a later sum of
-- the same week holds from a later day on. Earned discounts rest on it.
CREATE TABLE shipping.weekly_spend (
  carrier     text NOT NULL REFERENCES shipping.carriers (code),
  currency    char(3) NOT NULL,
  week        date NOT NULL CHECK (extract(isodow FROM week) = 1),
  amount      bigint NOT NULL,
  holds_from  date NOT NULL CHECK (holds_from > week + 7),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (carrier, currency, week, holds_from)
);
CREATE TABLE shipping.shipments (
  id             uuid PRIMARY KEY DEFAULT uuidv7(),
  number         text NOT NULL UNIQUE,
  order_id       uuid NOT NULL REFERENCES orders.orders,
  fulfillment_id uuid NOT NULL UNIQUE REFERENCES orders.fulfillments,
  node_id        uuid NOT NULL REFERENCES network.nodes,
  carrier        text NOT NULL,
  service        text NOT NULL,
  selection      jsonb NOT NULL DEFAULT '{}',
  cost           bigint NOT NULL DEFAULT 0,
  currency       char(3) NOT NULL,
  promise_at     timestamptz,
  shipped_at     timestamptz,
  delivered_at   timestamptz,
  version        integer NOT NULL DEFAULT 1,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX shipments_of_order ON shipping.shipments (order_id);
CREATE SEQUENCE shipping.shipment_number START 700001;
CREATE TABLE shipping.labels (
  id              uuid PRIMARY KEY DEFAULT uuidv7(),
  purpose         text NOT NULL DEFAULT 'outbound' CHECK (purpose IN ('outbound', 'return')),
  order_id        uuid NOT NULL REFERENCES orders.orders,
  shipment_id     uuid REFERENCES shipping.shipments,
  package_id      uuid,
  return_id       uuid,
  attempt         smallint NOT NULL DEFAULT 1,
  reference       text NOT NULL UNIQUE,
  carrier         text NOT NULL,
  service         text NOT NULL,
  status          text NOT NULL DEFAULT 'requested'
                  CHECK (status IN ('requested', 'purchased', 'used', 'voided', 'failed', 'unknown')),
  request         jsonb NOT NULL,
  tracking_number text,
  cost            bigint,
  currency        char(3),
  provider_ref    text,
  problem         text,
  version         integer NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((purpose = 'outbound') = (package_id IS NOT NULL)),
  CHECK ((purpose = 'return') = (return_id IS NOT NULL)),
  UNIQUE (package_id, attempt)
);
CREATE UNIQUE INDEX labels_one_live_a_package ON shipping.labels (package_id)
  WHERE package_id IS NOT NULL AND status IN ('requested', 'purchased', 'used', 'unknown');
CREATE UNIQUE INDEX labels_one_live_a_return ON shipping.labels (return_id)
  WHERE return_id IS NOT NULL AND status IN ('requested', 'purchased', 'used', 'unknown');
CREATE UNIQUE INDEX labels_by_tracking ON shipping.labels (carrier, tracking_number)
  WHERE tracking_number IS NOT NULL;
CREATE INDEX labels_of_order ON shipping.labels (order_id);
CREATE INDEX labels_of_shipment ON shipping.labels (shipment_id) WHERE shipment_id IS NOT NULL;
CREATE INDEX labels_to_manifest ON shipping.labels (carrier, shipment_id) WHERE status = 'purchased';
CREATE SEQUENCE shipping.manifest_number START 3001;
CREATE TABLE shipping.manifests (
  id        uuid PRIMARY KEY DEFAULT uuidv7(),
  number    text NOT NULL UNIQUE,
  node_id   uuid NOT NULL REFERENCES network.nodes,
  carrier   text NOT NULL,
  ship_date date NOT NULL,
  closed_by text NOT NULL,
  closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE shipping.manifest_labels (
  label_id    uuid PRIMARY KEY REFERENCES shipping.labels,
  manifest_id uuid NOT NULL REFERENCES shipping.manifests
);
-- A carrier's invoice as it was audited. Its lines tell later ones what has been billed before.
CREATE TABLE shipping.invoices (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  carrier    text NOT NULL REFERENCES shipping.carriers (code),
  number     text NOT NULL,
  currency   char(3) NOT NULL,
  billed     bigint NOT NULL,
  disputed   bigint NOT NULL CHECK (disputed >= 0),
  summary    jsonb NOT NULL,
  audited_by text NOT NULL,
  audited_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (carrier, number)
);
CREATE TABLE shipping.invoice_lines (
  invoice_id      uuid NOT NULL REFERENCES shipping.invoices,
  line            integer NOT NULL,
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  label_id        uuid REFERENCES shipping.labels,
  codes           text[] NOT NULL,
  billed          bigint NOT NULL,
  expected        bigint,
  disputed        bigint NOT NULL,
  answer          jsonb NOT NULL,
  PRIMARY KEY (invoice_id, line)
);
CREATE INDEX invoice_lines_by_tracking ON shipping.invoice_lines (carrier, tracking_number);
CREATE INDEX invoice_lines_of_label ON shipping.invoice_lines (label_id) WHERE label_id IS NOT NULL;

-- delivery ---------------------------------------------------------------------------------------------------

CREATE TABLE delivery.parcels (
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  order_id        uuid NOT NULL REFERENCES orders.orders,
  package_id      uuid,
  fulfillment_id  uuid,
  return_id       uuid,
  status          text NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'info_received', 'in_transit', 'out_for_delivery', 'attempt_failed',
                         'available_for_pickup', 'delivered', 'exception', 'return_to_sender', 'expired')),
  promise_at      timestamptz,
  first_scan_at   timestamptz,
  last_event_at   timestamptz,
  delivered_at    timestamptz,
  version         integer NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (carrier, tracking_number)
);
CREATE INDEX parcels_of_order ON delivery.parcels (order_id);
CREATE INDEX parcels_of_fulfillment ON delivery.parcels (fulfillment_id) WHERE fulfillment_id IS NOT NULL;
CREATE INDEX parcels_under_promise ON delivery.parcels (promise_at) WHERE delivered_at IS NULL;
CREATE TABLE delivery.tracking_events (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  code            text NOT NULL,
  status          text NOT NULL,
  occurred_at     timestamptz NOT NULL,
  raw             jsonb NOT NULL,
  received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (carrier, tracking_number, code, occurred_at)
);
-- What was learnt of how late parcels come, a version a learning; the newest is used.
CREATE TABLE delivery.transit_models (
  version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  deliveries integer NOT NULL CHECK (deliveries >= 0),
  tables     jsonb NOT NULL,
  weeks      jsonb NOT NULL,                   -- each of the last held against what was known before it
  learnt_at  timestamptz NOT NULL
);
CREATE TABLE delivery.proofs (
  carrier         text NOT NULL,
  tracking_number text NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('signature', 'photo', 'pin', 'scan')),
  signed_by       text,
  reference       text,
  taken_at        timestamptz NOT NULL,
  PRIMARY KEY (carrier, tracking_number, kind)
);

-- returns ----------------------------------------------------------------------------------------------------

CREATE SEQUENCE returns.return_number START 900001;
CREATE TABLE returns.returns (
  id            uuid PRIMARY KEY DEFAULT uuidv7(),
  number        text NOT NULL UNIQUE,
  order_id      uuid REFERENCES orders.orders,
  node_id       uuid NOT NULL REFERENCES network.nodes,
  status        text NOT NULL DEFAULT 'requested'
                CHECK (status IN ('requested', 'open', 'in_transit', 'partially_received', 'received', 'inspected',
                       'closed', 'declined', 'cancelled', 'expired')),
  requested_by  text NOT NULL,
  request_key   text UNIQUE,
  note          text,
  needs_label   boolean NOT NULL DEFAULT true,
  refund_amount bigint CHECK (refund_amount >= 0),
  currency      char(3) NOT NULL,
  eligibility   jsonb NOT NULL DEFAULT '{}',
  version       integer NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX returns_of_order ON returns.returns (order_id);
CREATE TABLE returns.lines (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  return_id   uuid NOT NULL REFERENCES returns.returns,
  line_id     uuid REFERENCES orders.lines,
  sku         text NOT NULL,
  quantity    integer NOT NULL CHECK (quantity > 0),
  received    integer NOT NULL DEFAULT 0 CHECK (received >= 0 AND received <= quantity),
  reason      text NOT NULL,
  grade       text,
  disposition text CHECK (disposition IN ('needs_inspection', 'restock', 'refurbish', 'vendor', 'donate',
              'destroy', 'missing')),
  restocked   boolean NOT NULL DEFAULT false,
  stocked_as  text,
  refund      bigint NOT NULL DEFAULT 0 CHECK (refund >= 0)
);
CREATE INDEX return_lines_of_return ON returns.lines (return_id);
CREATE INDEX return_lines_of_line ON returns.lines (line_id);

-- notices ----------------------------------------------------------------------------------------------------

CREATE TABLE notices.notices (
  id         uuid PRIMARY KEY DEFAULT uuidv7(),
  order_id   uuid NOT NULL REFERENCES orders.orders,
  event      text NOT NULL,
  trigger_id uuid NOT NULL,
  channel    text NOT NULL CHECK (channel IN ('email', 'sms', 'app')),
  recipient  text NOT NULL,
  locale     text NOT NULL DEFAULT 'en',
  subject    text NOT NULL,
  body       text NOT NULL,
  html       text NOT NULL DEFAULT '',
  key        text NOT NULL UNIQUE,
  status     text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sending', 'sent', 'failed')),
  problem    text,
  sent_at    timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (order_id, event, trigger_id, channel)
);

-- sync -------------------------------------------------------------------------------------------------------

-- What each channel may offer of each SKU, as last published: the row's version grows with each change, and the feed
-- is read by (xid, sku) in commit order. Rows change in place, so a slow reader gets the newest state, once.
CREATE TABLE sync.availability (
  channel_id  uuid NOT NULL REFERENCES network.channels,
  sku         text NOT NULL REFERENCES catalog.items (sku),
  quantity    integer NOT NULL CHECK (quantity >= 0),
  next_at     timestamptz,                     -- when more is expected, and how many by then
  next_units  integer NOT NULL DEFAULT 0,
  version     bigint NOT NULL DEFAULT 1,
  xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  pushed      bigint NOT NULL DEFAULT 0,       -- the newest version that the channel's adapter has accepted
  pushed_at   timestamptz,
  PRIMARY KEY (channel_id, sku)
) WITH (fillfactor = 60);
CREATE INDEX availability_in_commit_order ON sync.availability (channel_id, xid, sku);
CREATE INDEX availability_unpushed ON sync.availability (channel_id) WHERE pushed < version;
CREATE TABLE sync.reconciliations (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  channel_id  uuid NOT NULL REFERENCES network.channels,
  compared    integer NOT NULL,
  divergent   integer NOT NULL,
  repaired    integer NOT NULL,
  detail      jsonb NOT NULL,
  begun_at    timestamptz NOT NULL,
  ended_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX reconciliations_of_channel ON sync.reconciliations (channel_id, id);

CREATE TABLE sync.webhooks (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  url         text NOT NULL,
  secret      text NOT NULL,
  types       text[] NOT NULL DEFAULT '{}',
  fat         boolean NOT NULL DEFAULT false,
  active      boolean NOT NULL DEFAULT true,
  disabled_at timestamptz,
  problem     text,
  previous_secret text,
  previous_until  timestamptz,
  failures        integer NOT NULL DEFAULT 0,
  failing_since   timestamptz,
  retry_at        timestamptz,
  version     integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE sync.deliveries (
  id          uuid PRIMARY KEY DEFAULT uuidv7(),
  webhook_id  uuid NOT NULL REFERENCES sync.webhooks,
  event_id    uuid NOT NULL,
  type        text NOT NULL,
  body        jsonb NOT NULL,
  status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sending', 'delivered', 'failed')),
  attempts    smallint NOT NULL DEFAULT 0,
  response    smallint,
  problem     text,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at     timestamptz,
  UNIQUE (webhook_id, event_id)
);
CREATE TABLE sync.attempts (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery_id uuid NOT NULL REFERENCES sync.deliveries,
  response    smallint,
  problem     text,
  took_ms     integer,
  tried_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX attempts_of_delivery ON sync.attempts (delivery_id, id);
