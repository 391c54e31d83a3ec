-- The tables that are folds over the log, and the few that are not.
--
-- Run with search_path set to the one schema that is being migrated, so that several versions
-- of these tables can stand side by side. Nothing here names a schema, and functions have bodies
-- that are bound when they are created, so that a schema can be renamed with all that is in it.
--
-- No foreign keys. The rows of a batch are merged table by table, several partitions at once, and
-- an account's own facts belong to a chat that never started: a foreign key would turn an order of
-- arrival into a refusal, and cost a look-up and a lock for each row. That references hold is a
-- property of the log, checked by tests and by the view duplicate_check.
--
-- `last_seq` of a row is the number, within its chat, of the last fact that changed it. A write
-- whose fact is not newer is skipped, so that a repeat or a late writer changes nothing. Times are
-- times of facts, never of the database's clock: a rebuild yields the same bytes.

CREATE TYPE platform AS ENUM ('whatsapp', 'instagram', 'telegram');
CREATE TYPE actor AS ENUM ('user', 'business', 'system');
CREATE TYPE origin AS ENUM ('user', 'bot', 'human', 'operator', 'system');
CREATE TYPE message_kind AS ENUM (
    'text', 'image', 'audio', 'voice', 'video', 'document', 'sticker', 'contact', 'location',
    'interactive', 'reaction', 'order', 'system', 'unsupported');
CREATE TYPE conversation_status AS ENUM ('open', 'closing', 'closed');
-- In the order in which one attempt can only move forward; the merge compares them.
CREATE TYPE delivery_status AS ENUM (
    'pending', 'saved_only', 'sent', 'failed', 'delivered', 'read', 'played', 'deleted');
CREATE TYPE send_outcome AS ENUM ('sent', 'failed', 'saved_only');
CREATE TYPE job_status AS ENUM ('waiting', 'running', 'succeeded', 'failed');
CREATE TYPE pause_reason AS ENUM ('human_takeover', 'manual_pause');
CREATE TYPE operator_role AS ENUM ('viewer', 'operator', 'admin');

-- Projections ------------------------------------------------------------------------------

CREATE TABLE tenants (
    tenant_id text PRIMARY KEY,
    name text NOT NULL,
    accounts jsonb NOT NULL,
    responder text NOT NULL,
    llm_provider text,
    llm_model text,
    system_prompt text,
    settings jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    last_seq bigint NOT NULL
);
COMMENT ON COLUMN tenants.last_seq IS 'place of the record in the tenants topic';

CREATE TABLE chats (
    chat_id uuid PRIMARY KEY,
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
    last_inbound_at timestamptz,
    last_outbound_at timestamptz,
    last_conversation_summary text,
    profile jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT chats_person UNIQUE (tenant_id, platform, platform_user_id)
) WITH (fillfactor = 70);

CREATE TABLE conversations (
    conversation_id uuid PRIMARY KEY,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    number integer NOT NULL,
    status conversation_status NOT NULL,
    started_at timestamptz NOT NULL,
    last_inbound_at timestamptz,
    last_activity_at timestamptz NOT NULL,
    closed_at timestamptz,
    close_reason text,
    conversation_summary text,
    message_count integer NOT NULL,
    created_at timestamptz NOT NULL,
    last_seq bigint NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversations_one_not_closed
    ON conversations (chat_id) WHERE status <> 'closed';
CREATE INDEX conversations_of_chat ON conversations (chat_id, number);

CREATE TABLE messages (
    message_id uuid PRIMARY KEY,
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
    platform_timestamp timestamptz,
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
    edited_at timestamptz,
    deleted_at timestamptz,
    delivery_attempt integer,
    delivery_status delivery_status,
    error_code text,
    error_message text,
    tokens_in integer,
    tokens_out integer,
    received_at timestamptz,
    created_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    -- A tsvector holds less than 1 MiB; 200,000 characters fit even at four bytes each, and
    -- what is longer is still found by its beginning.
    search tsvector NOT NULL GENERATED ALWAYS AS (
        to_tsvector('simple', left(
            coalesce(text_content, '') || ' ' || coalesce(media_caption, '') || ' '
            || coalesce(media_description, '') || ' ' || coalesce(media_transcript, '') || ' '
            || coalesce(extracted_media_content, ''), 200000))) STORED
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX messages_platform_message_id
    ON messages (chat_id, platform_message_id) WHERE platform_message_id IS NOT NULL;
CREATE INDEX messages_of_conversation ON messages (conversation_id, number);
CREATE INDEX messages_search ON messages USING gin (search);
CREATE INDEX messages_created_at ON messages USING brin (created_at);
COMMENT ON COLUMN messages.received_at IS
    'of a reply: when the input that caused it reached us';

CREATE TABLE sessions (
    tenant_id text NOT NULL,
    chat_id uuid PRIMARY KEY,
    is_paused boolean NOT NULL,
    pause_reason pause_reason,
    mode text,
    mode_until timestamptz,
    last_message_at timestamptz,
    last_human_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_seq bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_paused ON sessions (tenant_id, chat_id) WHERE is_paused;

-- The chat is part of the key because a platform may number messages per chat (Telegram does).
CREATE TABLE processed_events (
    tenant_id text NOT NULL,
    message_id text NOT NULL,
    event_type text NOT NULL,
    chat_id uuid NOT NULL,
    action_taken text NOT NULL,
    processed_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    CONSTRAINT processed_events_once UNIQUE (tenant_id, message_id, event_type, chat_id)
);
CREATE INDEX processed_events_processed_at ON processed_events USING brin (processed_at);

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
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    last_seq bigint NOT NULL,
    PRIMARY KEY (reply_id, attempt)
);
CREATE INDEX delivery_attempts_started_at ON delivery_attempts USING brin (started_at);

CREATE TABLE processing_jobs (
    job_id text PRIMARY KEY,
    kind text NOT NULL,
    message_id uuid,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    status job_status NOT NULL,
    attempts integer NOT NULL,
    last_error text,
    next_attempt_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_seq bigint NOT NULL
);
CREATE INDEX processing_jobs_open ON processing_jobs (tenant_id, status)
    WHERE status <> 'succeeded';

-- Operational: not folds over the log, to be dumped and restored ------------------------------

CREATE TABLE projection_offsets (
    projection text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (projection, topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE projection_versions (
    projection text PRIMARY KEY,
    version integer NOT NULL,
    since timestamptz NOT NULL
);

CREATE TABLE effects (
    effect_id text PRIMARY KEY,
    run_id text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    result jsonb
) WITH (fillfactor = 70);
CREATE INDEX effects_started_at ON effects USING brin (started_at);

CREATE TABLE operators (
    operator_id text PRIMARY KEY,
    name text NOT NULL,
    role operator_role NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

-- For readers ------------------------------------------------------------------------------

CREATE VIEW sent_messages_log AS
SELECT a.reply_id, a.attempt, a.tenant_id, a.chat_id, a.channel, c.provider, c.platform_user_id,
       left(coalesce(m.text_content, m.media_caption, m.media_description), 80) AS preview,
       a.outcome, a.platform_message_id, a.http_status, a.error_code, a.error_message, a.retryable,
       a.started_at, a.finished_at, a.next_attempt_at, m.delivery_status
FROM delivery_attempts a
LEFT JOIN messages m ON m.message_id = a.reply_id
LEFT JOIN chats c ON c.chat_id = a.chat_id;

CREATE VIEW message_processing_jobs AS
SELECT j.job_id, j.kind, j.status, j.attempts, j.last_error, j.next_attempt_at, j.created_at,
       j.updated_at, j.tenant_id, j.chat_id, j.message_id, m.kind AS message_kind,
       m.platform_message_id, m.media_mime
FROM processing_jobs j
LEFT JOIN messages m ON m.message_id = j.message_id;

CREATE VIEW message_statistics AS
SELECT tenant_id,
       count(*) AS messages,
       count(*) FILTER (WHERE actor = 'user') AS inbound,
       count(*) FILTER (WHERE actor <> 'user') AS outbound,
       count(*) FILTER (WHERE origin = 'bot') AS by_bot,
       count(*) FILTER (WHERE origin = 'human') AS by_human,
       count(*) FILTER (WHERE media_reference IS NOT NULL) AS with_media,
       count(*) FILTER (WHERE edited_at IS NOT NULL) AS edited,
       count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted,
       count(DISTINCT chat_id) AS chats,
       count(DISTINCT conversation_id) AS conversations,
       min(created_at) AS first_at,
       max(created_at) AS last_at
FROM messages
GROUP BY tenant_id;

CREATE VIEW recent_activity AS
SELECT c.tenant_id, c.chat_id, c.platform, c.platform_user_id, c.phone_e164, c.username,
       c.first_name, c.last_name, c.is_group, c.last_inbound_at, c.last_outbound_at,
       greatest(c.last_inbound_at, c.last_outbound_at, c.created_at) AS last_activity_at,
       v.conversation_id, v.status AS conversation_status, v.message_count,
       coalesce(s.is_paused, false) AS is_paused, s.pause_reason, s.mode, s.mode_until
FROM chats c
LEFT JOIN conversations v ON v.chat_id = c.chat_id AND v.status <> 'closed'
LEFT JOIN sessions s ON s.chat_id = c.chat_id;

CREATE VIEW reply_times AS
SELECT m.tenant_id, (m.received_at AT TIME ZONE 'UTC')::date AS day, count(*) AS replies,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY took) AS p95_seconds,
       max(took) AS longest_seconds
FROM messages m
JOIN (SELECT reply_id, min(finished_at) AS sent_at
      FROM delivery_attempts WHERE outcome = 'sent' GROUP BY reply_id) a
    ON a.reply_id = m.message_id
CROSS JOIN LATERAL (SELECT extract(epoch FROM a.sent_at - m.received_at)::float8 AS took) t
WHERE m.received_at IS NOT NULL
GROUP BY 1, 2;

CREATE VIEW delivery_success AS
SELECT tenant_id, channel, (started_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS attempts,
       count(*) FILTER (WHERE outcome = 'sent') AS sent,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome = 'saved_only') AS saved_only,
       (count(*) FILTER (WHERE outcome = 'sent'))::float8 / count(*) AS success_ratio
FROM delivery_attempts
GROUP BY 1, 2, 3;

CREATE VIEW table_sizes AS
SELECT c.relname::text AS table_name,
       greatest(c.reltuples, 0)::bigint AS estimated_rows,
       pg_table_size(c.oid) AS table_bytes,
       pg_indexes_size(c.oid) AS index_bytes,
       pg_total_relation_size(c.oid) AS total_bytes
FROM pg_class c
WHERE c.relkind = 'r'
  AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'messages'::regclass);

-- Empty while all is well.
CREATE VIEW duplicate_check AS
SELECT 'platform_message_id' AS found, tenant_id, chat_id, platform_message_id AS what,
       count(*) AS copies
FROM messages WHERE platform_message_id IS NOT NULL
GROUP BY tenant_id, chat_id, platform_message_id HAVING count(*) > 1
UNION ALL
SELECT 'message number', tenant_id, chat_id, conversation_id::text || '#' || number, count(*)
FROM messages GROUP BY tenant_id, chat_id, conversation_id, number HAVING count(*) > 1
UNION ALL
SELECT 'open conversation', tenant_id, chat_id, max(conversation_id::text), count(*)
FROM conversations WHERE status <> 'closed'
GROUP BY tenant_id, chat_id HAVING count(*) > 1
UNION ALL
SELECT 'message without conversation', m.tenant_id, m.chat_id, m.message_id::text, 1
FROM messages m
WHERE NOT EXISTS (SELECT FROM conversations v WHERE v.conversation_id = m.conversation_id);

-- An analyst's knife: it removes rows of a projection, and a rebuild brings them back.
CREATE FUNCTION cleanup_old_processed_events(days integer) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM processed_events
        WHERE days >= 0 AND processed_at < now() - make_interval(days => days)
        RETURNING 1)
    SELECT count(*) FROM gone;
END;

CREATE FUNCTION auto_resume_candidates(hours double precision)
RETURNS TABLE (tenant_id text, chat_id uuid, reason pause_reason, quiet_since timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.tenant_id, s.chat_id, s.pause_reason, coalesce(s.last_human_at, s.updated_at)
    FROM sessions s
    WHERE s.is_paused
      AND coalesce(s.last_human_at, s.updated_at) <= now() - make_interval(secs => hours * 3600)
    ORDER BY 4, 2;
END;
