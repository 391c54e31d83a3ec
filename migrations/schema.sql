-- The shape of the database after all migrations; made by
-- `python -m tests.support.schema_dump`, and proven equal to their sum by a test.
-- Run it with search_path set to an empty schema.

CREATE TYPE actor AS ENUM (
    'user',
    'business',
    'system'
);

CREATE TYPE conversation_status AS ENUM (
    'open',
    'closing',
    'closed'
);

CREATE TYPE delivery_status AS ENUM (
    'pending',
    'saved_only',
    'sent',
    'failed',
    'delivered',
    'read',
    'played',
    'deleted'
);

CREATE TYPE job_status AS ENUM (
    'waiting',
    'running',
    'succeeded',
    'failed',
    'discarded'
);

CREATE TYPE message_kind AS ENUM (
    'text',
    'image',
    'audio',
    'voice',
    'video',
    'document',
    'sticker',
    'contact',
    'location',
    'interactive',
    'reaction',
    'order',
    'system',
    'unsupported'
);

CREATE TYPE operator_role AS ENUM (
    'viewer',
    'operator',
    'admin'
);

CREATE TYPE origin AS ENUM (
    'user',
    'bot',
    'human',
    'operator',
    'system'
);

CREATE TYPE pause_reason AS ENUM (
    'human_takeover',
    'manual_pause'
);

CREATE TYPE platform AS ENUM (
    'whatsapp',
    'instagram',
    'telegram',
    'sms',
    'email',
    'web_push'
);

CREATE TYPE send_outcome AS ENUM (
    'sent',
    'failed',
    'saved_only'
);

CREATE TABLE sessions (
    tenant_id text NOT NULL,
    chat_id uuid NOT NULL,
    is_paused boolean NOT NULL,
    pause_reason pause_reason,
    mode text,
    mode_until timestamp with time zone,
    last_message_at timestamp with time zone,
    last_human_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL,
    paused_at timestamp with time zone,
    paused_by text
)
WITH (fillfactor='70');

COMMENT ON COLUMN sessions.paused_by IS 'the operator; null if a human took over';

CREATE FUNCTION auto_resume_candidates(hours double precision) RETURNS TABLE(tenant_id text, chat_id uuid, reason pause_reason, quiet_since timestamp with time zone)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT s.tenant_id,
     s.chat_id,
     s.pause_reason,
     COALESCE(GREATEST(s.last_human_at, s.paused_at), s.updated_at) AS "coalesce"
    FROM sessions s
   WHERE (s.is_paused AND (COALESCE(GREATEST(s.last_human_at, s.paused_at), s.updated_at) <= (now() - make_interval(secs => (auto_resume_candidates.hours * (3600)::double precision)))))
   ORDER BY COALESCE(GREATEST(s.last_human_at, s.paused_at), s.updated_at), s.chat_id;
END;

CREATE TABLE processed_events (
    tenant_id text NOT NULL,
    message_id text NOT NULL,
    event_type text NOT NULL,
    chat_id uuid NOT NULL,
    action_taken text NOT NULL,
    processed_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL
);

CREATE FUNCTION cleanup_old_processed_events(days integer) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
 WITH gone AS (
          DELETE FROM processed_events
           WHERE ((cleanup_old_processed_events.days >= 0) AND (processed_events.processed_at < (now() - make_interval(days => cleanup_old_processed_events.days))))
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM gone;
END;

CREATE TABLE chats (
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    platform platform NOT NULL,
    platform_user_id text NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    phone_e164 text,
    username text,
    first_name text,
    last_name text,
    is_group boolean NOT NULL,
    is_blocked boolean NOT NULL,
    last_inbound_at timestamp with time zone,
    last_outbound_at timestamp with time zone,
    last_conversation_summary text,
    profile jsonb,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL,
    address text,
    merged_into uuid
)
WITH (fillfactor='70');

CREATE FUNCTION merged_chats(survivor uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE found(chat_id) AS (
          SELECT merged_chats.survivor AS survivor
         UNION
          SELECT c.chat_id
            FROM (found f_1
              JOIN chats c ON ((c.merged_into = f_1.chat_id)))
         )
  SELECT f.chat_id
    FROM found f;
END;

CREATE FUNCTION surviving_chat(known_as uuid) RETURNS uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE way(chat_id, merged_into, step) AS (
          SELECT c.chat_id,
             c.merged_into,
             0 AS "?column?"
            FROM chats c
           WHERE (c.chat_id = surviving_chat.known_as)
         UNION ALL
          SELECT c.chat_id,
             c.merged_into,
             (w_1.step + 1)
            FROM (way w_1
              JOIN chats c ON ((c.chat_id = w_1.merged_into)))
           WHERE (w_1.step < 100)
         )
  SELECT w.chat_id
    FROM way w
   ORDER BY w.step DESC
  LIMIT 1;
END;

CREATE TABLE conversations (
    conversation_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    number integer NOT NULL,
    status conversation_status NOT NULL,
    started_at timestamp with time zone NOT NULL,
    last_inbound_at timestamp with time zone,
    last_activity_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    close_reason text,
    conversation_summary text,
    message_count integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE delivery_attempts (
    reply_id uuid NOT NULL,
    attempt integer NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    channel text,
    outcome send_outcome NOT NULL,
    platform_message_id text,
    http_status integer,
    error_code text,
    error_message text,
    retryable boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone,
    last_seq bigint NOT NULL,
    waiting_for text
);

COMMENT ON COLUMN delivery_attempts.waiting_for IS 'retry (at next_attempt_at) or operator; null if nothing, or a later attempt was made';

CREATE TABLE delivery_fallbacks (
    reply_id uuid NOT NULL,
    attempt integer NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    number integer NOT NULL,
    channel text NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    recipient text NOT NULL,
    chosen_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL
);

CREATE VIEW delivery_success AS
 SELECT a.tenant_id,
    COALESCE(f.channel, a.channel) AS channel,
    ((a.started_at AT TIME ZONE 'UTC'::text))::date AS day,
    count(*) AS attempts,
    count(*) FILTER (WHERE (a.outcome = 'sent'::send_outcome)) AS sent,
    count(*) FILTER (WHERE (a.outcome = 'failed'::send_outcome)) AS failed,
    count(*) FILTER (WHERE (a.outcome = 'saved_only'::send_outcome)) AS saved_only,
    ((count(*) FILTER (WHERE (a.outcome = 'sent'::send_outcome)))::double precision / (count(*))::double precision) AS success_ratio
   FROM (delivery_attempts a
     LEFT JOIN LATERAL ( SELECT w.channel
           FROM delivery_fallbacks w
          WHERE ((w.reply_id = a.reply_id) AND (w.attempt <= a.attempt))
          ORDER BY w.attempt DESC
         LIMIT 1) f ON (true))
  GROUP BY a.tenant_id, COALESCE(f.channel, a.channel), (((a.started_at AT TIME ZONE 'UTC'::text))::date);

CREATE TABLE messages (
    message_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    number integer NOT NULL,
    user_number integer,
    actor actor NOT NULL,
    origin origin NOT NULL,
    speaker text,
    kind message_kind NOT NULL,
    platform platform,
    platform_message_id text,
    platform_timestamp timestamp with time zone,
    reply_to text,
    handler text,
    text_content text,
    json_content jsonb,
    media_reference text,
    media_mime text,
    media_sha256 text,
    media_size bigint,
    media_url text,
    media_key text,
    media_caption text,
    media_description text,
    media_transcript text,
    extracted_media_content text,
    edited_at timestamp with time zone,
    deleted_at timestamp with time zone,
    delivery_attempt integer,
    delivery_status delivery_status,
    error_code text,
    error_message text,
    tokens_in integer,
    tokens_out integer,
    received_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL,
    media_thumbnail_key text,
    image_description text,
    model text,
    search tsvector GENERATED ALWAYS AS (((setweight(to_tsvector('simple'::regconfig, "left"(((COALESCE(text_content, ''::text) || ' '::text) || COALESCE(media_caption, ''::text)), 60000)), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, "left"(((((COALESCE(media_description, ''::text) || ' '::text) || COALESCE(image_description, ''::text)) || ' '::text) || COALESCE(media_transcript, ''::text)), 30000)), 'B'::"char")) || setweight(to_tsvector('simple'::regconfig, "left"(COALESCE(extracted_media_content, ''::text), ((130000 - LEAST(60000, length(((COALESCE(text_content, ''::text) || ' '::text) || COALESCE(media_caption, ''::text))))) - LEAST(30000, length(((((COALESCE(media_description, ''::text) || ' '::text) || COALESCE(image_description, ''::text)) || ' '::text) || COALESCE(media_transcript, ''::text))))))), 'C'::"char"))) STORED NOT NULL
)
WITH (fillfactor='85');

COMMENT ON COLUMN messages.media_description IS 'the name of the file';

COMMENT ON COLUMN messages.received_at IS 'of a reply: when the input that caused it reached us';

COMMENT ON COLUMN messages.image_description IS 'what a model sees in the picture';

COMMENT ON COLUMN messages.model IS 'which model wrote the reply, for tokens_in and tokens_out';

CREATE VIEW duplicate_check AS
 SELECT 'platform_message_id'::text AS found,
    messages.tenant_id,
    messages.chat_id,
    messages.platform_message_id AS what,
    count(*) AS copies
   FROM messages
  WHERE (messages.platform_message_id IS NOT NULL)
  GROUP BY messages.tenant_id, messages.chat_id, messages.platform_message_id
 HAVING (count(*) > 1)
UNION ALL
 SELECT 'message number'::text AS found,
    messages.tenant_id,
    messages.chat_id,
    (((messages.conversation_id)::text || '#'::text) || messages.number) AS what,
    count(*) AS copies
   FROM messages
  GROUP BY messages.tenant_id, messages.chat_id, messages.conversation_id, messages.number
 HAVING (count(*) > 1)
UNION ALL
 SELECT 'open conversation'::text AS found,
    conversations.tenant_id,
    conversations.chat_id,
    max((conversations.conversation_id)::text) AS what,
    count(*) AS copies
   FROM conversations
  WHERE (conversations.status <> 'closed'::conversation_status)
  GROUP BY conversations.tenant_id, conversations.chat_id
 HAVING (count(*) > 1)
UNION ALL
 SELECT 'message without conversation'::text AS found,
    m.tenant_id,
    m.chat_id,
    (m.message_id)::text AS what,
    1 AS copies
   FROM messages m
  WHERE (NOT (EXISTS ( SELECT
           FROM conversations v
          WHERE (v.conversation_id = m.conversation_id))));

CREATE TABLE effects (
    effect_id text NOT NULL,
    run_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    result jsonb
)
WITH (fillfactor='70');

CREATE TABLE job_failures (
    job_id text NOT NULL,
    attempt integer NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    error_code text NOT NULL,
    error_message text,
    retryable boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL
);

CREATE TABLE model_calls (
    job_id text NOT NULL,
    attempt integer NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    kind text NOT NULL,
    model text NOT NULL,
    seconds double precision NOT NULL,
    tokens_in integer,
    tokens_out integer,
    cost_micros integer,
    reused boolean NOT NULL,
    called_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL
);

COMMENT ON COLUMN model_calls.cost_micros IS 'millionths of a US dollar; null where the price is not known';

COMMENT ON COLUMN model_calls.reused IS 'an earlier result served: what it says of tokens and cost was paid before';

CREATE TABLE processing_jobs (
    job_id text NOT NULL,
    kind text NOT NULL,
    message_id uuid,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    status job_status NOT NULL,
    attempts integer NOT NULL,
    last_error text,
    next_attempt_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    last_seq bigint NOT NULL,
    conversation_id uuid,
    error_code text
);

COMMENT ON COLUMN processing_jobs.message_id IS 'whose file it is about, or the last of the messages that it is to answer';

COMMENT ON COLUMN processing_jobs.attempts IS 'how many have begun';

CREATE VIEW message_processing_jobs AS
 SELECT j.job_id,
    j.kind,
    j.status,
    j.attempts,
    j.last_error,
    j.next_attempt_at,
    j.created_at,
    j.updated_at,
    j.tenant_id,
    j.chat_id,
    j.message_id,
    m.kind AS message_kind,
    m.platform_message_id,
    m.media_mime,
    j.error_code,
    j.conversation_id,
    u.model,
    u.tokens_in,
    u.tokens_out,
    u.cost_micros,
    u.seconds,
    "left"(COALESCE(m.media_caption, m.text_content, m.media_description), 80) AS preview
   FROM ((processing_jobs j
     LEFT JOIN messages m ON ((m.message_id = j.message_id)))
     LEFT JOIN LATERAL ( SELECT string_agg(DISTINCT c.model, ', '::text) AS model,
            sum(c.tokens_in) FILTER (WHERE (NOT c.reused)) AS tokens_in,
            sum(c.tokens_out) FILTER (WHERE (NOT c.reused)) AS tokens_out,
            sum(c.cost_micros) FILTER (WHERE (NOT c.reused)) AS cost_micros,
            sum(c.seconds) FILTER (WHERE (NOT c.reused)) AS seconds
           FROM model_calls c
          WHERE (c.job_id = j.job_id)) u ON (true));

CREATE VIEW message_statistics AS
 SELECT tenant_id,
    count(*) AS messages,
    count(*) FILTER (WHERE (actor = 'user'::actor)) AS inbound,
    count(*) FILTER (WHERE (actor <> 'user'::actor)) AS outbound,
    count(*) FILTER (WHERE (origin = 'bot'::origin)) AS by_bot,
    count(*) FILTER (WHERE (origin = 'human'::origin)) AS by_human,
    count(*) FILTER (WHERE (media_reference IS NOT NULL)) AS with_media,
    count(*) FILTER (WHERE (edited_at IS NOT NULL)) AS edited,
    count(*) FILTER (WHERE (deleted_at IS NOT NULL)) AS deleted,
    count(DISTINCT chat_id) AS chats,
    count(DISTINCT conversation_id) AS conversations,
    min(created_at) AS first_at,
    max(created_at) AS last_at
   FROM messages
  GROUP BY tenant_id;

CREATE VIEW model_costs AS
 SELECT tenant_id,
    ((called_at AT TIME ZONE 'UTC'::text))::date AS day,
    kind,
    model,
    count(*) FILTER (WHERE (NOT reused)) AS calls,
    count(*) FILTER (WHERE reused) AS reused,
    COALESCE(sum(tokens_in) FILTER (WHERE (NOT reused)), (0)::bigint) AS tokens_in,
    COALESCE(sum(tokens_out) FILTER (WHERE (NOT reused)), (0)::bigint) AS tokens_out,
    COALESCE(sum(seconds) FILTER (WHERE (NOT reused)), (0)::double precision) AS seconds,
    COALESCE(sum(cost_micros) FILTER (WHERE (NOT reused)), (0)::bigint) AS cost_micros,
    count(*) FILTER (WHERE ((NOT reused) AND (cost_micros IS NULL))) AS without_price
   FROM model_calls
  GROUP BY tenant_id, (((called_at AT TIME ZONE 'UTC'::text))::date), kind, model;

CREATE TABLE operators (
    operator_id text NOT NULL,
    name text NOT NULL,
    role operator_role NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone
);

CREATE TABLE parked_facts (
    projection text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea NOT NULL,
    value bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    logged_at bigint NOT NULL,
    reason text,
    stack text,
    parked_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE projection_builds (
    projection text NOT NULL,
    build text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    scope jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ready_at timestamp with time zone,
    live_since timestamp with time zone
);

COMMENT ON COLUMN projection_builds.version IS 'of the program that made the rows';

COMMENT ON COLUMN projection_builds.state IS 'filling, ready, live or kept';

COMMENT ON COLUMN projection_builds.scope IS 'the part of the log that it is made of';

CREATE TABLE projection_offsets (
    projection text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE projection_versions (
    projection text NOT NULL,
    version integer NOT NULL,
    since timestamp with time zone NOT NULL
);

CREATE VIEW recent_activity AS
 SELECT c.tenant_id,
    c.chat_id,
    c.platform,
    c.platform_user_id,
    c.phone_e164,
    c.username,
    c.first_name,
    c.last_name,
    c.is_group,
    c.last_inbound_at,
    c.last_outbound_at,
    GREATEST(c.last_inbound_at, c.last_outbound_at, c.created_at) AS last_activity_at,
    v.conversation_id,
    v.status AS conversation_status,
    v.message_count,
    COALESCE(s.is_paused, false) AS is_paused,
    s.pause_reason,
    s.mode,
    s.mode_until
   FROM ((chats c
     LEFT JOIN conversations v ON (((v.chat_id = c.chat_id) AND (v.status <> 'closed'::conversation_status))))
     LEFT JOIN sessions s ON ((s.chat_id = c.chat_id)))
  WHERE (c.merged_into IS NULL);

CREATE VIEW reply_times AS
 SELECT m.tenant_id,
    ((m.received_at AT TIME ZONE 'UTC'::text))::date AS day,
    count(*) AS replies,
    percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY t.took) AS p50_seconds,
    percentile_cont((0.95)::double precision) WITHIN GROUP (ORDER BY t.took) AS p95_seconds,
    max(t.took) AS longest_seconds
   FROM ((messages m
     JOIN ( SELECT delivery_attempts.reply_id,
            min(delivery_attempts.finished_at) AS sent_at
           FROM delivery_attempts
          WHERE (delivery_attempts.outcome = 'sent'::send_outcome)
          GROUP BY delivery_attempts.reply_id) a ON ((a.reply_id = m.message_id)))
     CROSS JOIN LATERAL ( SELECT (EXTRACT(epoch FROM (a.sent_at - m.received_at)))::double precision AS took) t)
  WHERE (m.received_at IS NOT NULL)
  GROUP BY m.tenant_id, (((m.received_at AT TIME ZONE 'UTC'::text))::date);

CREATE TABLE schema_migrations (
    version text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW sent_messages_log AS
 SELECT a.reply_id,
    a.attempt,
    a.tenant_id,
    a.chat_id,
    COALESCE(f.channel, a.channel) AS channel,
    COALESCE(f.provider, c.provider) AS provider,
    COALESCE(f.recipient, c.address, c.platform_user_id) AS platform_user_id,
    "left"(COALESCE(m.text_content, m.media_caption, m.media_description), 80) AS preview,
    a.outcome,
    a.platform_message_id,
    a.http_status,
    a.error_code,
    a.error_message,
    a.retryable,
    a.started_at,
    a.finished_at,
    a.next_attempt_at,
    m.delivery_status,
    a.waiting_for
   FROM (((delivery_attempts a
     LEFT JOIN messages m ON ((m.message_id = a.reply_id)))
     LEFT JOIN chats c ON ((c.chat_id = a.chat_id)))
     LEFT JOIN LATERAL ( SELECT w.channel,
            w.provider,
            w.recipient
           FROM delivery_fallbacks w
          WHERE ((w.reply_id = a.reply_id) AND (w.attempt <= a.attempt))
          ORDER BY w.attempt DESC
         LIMIT 1) f ON (true));

CREATE VIEW table_sizes AS
 SELECT (relname)::text AS table_name,
    (GREATEST(reltuples, (0)::real))::bigint AS estimated_rows,
    pg_table_size((oid)::regclass) AS table_bytes,
    pg_indexes_size((oid)::regclass) AS index_bytes,
    pg_total_relation_size((oid)::regclass) AS total_bytes
   FROM pg_class c
  WHERE ((relkind = 'r'::"char") AND (relnamespace = ( SELECT pg_class.relnamespace
           FROM pg_class
          WHERE (pg_class.oid = ('messages'::regclass)::oid))));

CREATE TABLE tenants (
    tenant_id text NOT NULL,
    name text NOT NULL,
    accounts jsonb NOT NULL,
    responder text NOT NULL,
    llm_provider text,
    llm_model text,
    system_prompt text,
    settings jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    last_seq bigint NOT NULL
);

COMMENT ON COLUMN tenants.last_seq IS 'place of the record in the tenants topic';

ALTER TABLE ONLY chats
    ADD CONSTRAINT chats_person UNIQUE (tenant_id, platform, platform_user_id);

ALTER TABLE ONLY chats
    ADD CONSTRAINT chats_pkey PRIMARY KEY (chat_id);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (conversation_id);

ALTER TABLE ONLY delivery_attempts
    ADD CONSTRAINT delivery_attempts_pkey PRIMARY KEY (reply_id, attempt);

ALTER TABLE ONLY delivery_fallbacks
    ADD CONSTRAINT delivery_fallbacks_pkey PRIMARY KEY (reply_id, attempt);

ALTER TABLE ONLY effects
    ADD CONSTRAINT effects_pkey PRIMARY KEY (effect_id);

ALTER TABLE ONLY job_failures
    ADD CONSTRAINT job_failures_pkey PRIMARY KEY (job_id, attempt);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY model_calls
    ADD CONSTRAINT model_calls_pkey PRIMARY KEY (job_id, attempt);

ALTER TABLE ONLY operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (operator_id);

ALTER TABLE ONLY parked_facts
    ADD CONSTRAINT parked_facts_pkey PRIMARY KEY (projection, topic, partition, record_offset);

ALTER TABLE ONLY processed_events
    ADD CONSTRAINT processed_events_once UNIQUE (tenant_id, message_id, event_type, chat_id);

ALTER TABLE ONLY processing_jobs
    ADD CONSTRAINT processing_jobs_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY projection_builds
    ADD CONSTRAINT projection_builds_pkey PRIMARY KEY (projection, build);

ALTER TABLE ONLY projection_offsets
    ADD CONSTRAINT projection_offsets_pkey PRIMARY KEY (projection, topic, partition);

ALTER TABLE ONLY projection_versions
    ADD CONSTRAINT projection_versions_pkey PRIMARY KEY (projection);

ALTER TABLE ONLY schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (chat_id);

ALTER TABLE ONLY tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);

CREATE INDEX chats_merged_into ON chats USING btree (merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX conversations_of_chat ON conversations USING btree (chat_id, number);

CREATE UNIQUE INDEX conversations_one_not_closed ON conversations USING btree (chat_id) WHERE (status <> 'closed'::conversation_status);

CREATE INDEX delivery_attempts_started_at ON delivery_attempts USING brin (started_at);

CREATE INDEX delivery_attempts_waiting ON delivery_attempts USING btree (tenant_id, waiting_for) WHERE (waiting_for IS NOT NULL);

CREATE INDEX effects_started_at ON effects USING brin (started_at);

CREATE INDEX messages_created_at ON messages USING brin (created_at);

CREATE INDEX messages_of_conversation ON messages USING btree (conversation_id, number);

CREATE UNIQUE INDEX messages_platform_message_id ON messages USING btree (chat_id, platform_message_id) WHERE (platform_message_id IS NOT NULL);

CREATE INDEX messages_replies ON messages USING btree (created_at, message_id) WHERE (received_at IS NOT NULL);

CREATE INDEX messages_search ON messages USING gin (search);

CREATE INDEX model_calls_called_at ON model_calls USING brin (called_at);

CREATE INDEX parked_facts_of_chat ON parked_facts USING btree (projection, topic, partition, key, record_offset);

CREATE INDEX processed_events_processed_at ON processed_events USING brin (processed_at);

CREATE INDEX processing_jobs_created_at ON processing_jobs USING btree (created_at, job_id);

CREATE INDEX processing_jobs_open ON processing_jobs USING btree (tenant_id, status) WHERE (status <> 'succeeded'::job_status);

CREATE UNIQUE INDEX projection_builds_one_live ON projection_builds USING btree (projection) WHERE (state = 'live'::text);

CREATE INDEX sessions_paused ON sessions USING btree (tenant_id, chat_id) WHERE is_paused;
