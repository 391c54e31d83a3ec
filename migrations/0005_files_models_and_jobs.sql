-- What is in files, what models were asked and what that cost, and what became of every job.

-- 'running': an attempt has begun; 'waiting': for the next one, at next_attempt_at.
ALTER TYPE job_status ADD VALUE 'discarded';

ALTER TABLE processing_jobs ADD COLUMN conversation_id uuid;
ALTER TABLE processing_jobs ADD COLUMN error_code text;
COMMENT ON COLUMN processing_jobs.message_id IS
    'whose file it is about, or the last of the messages that it is to answer';
COMMENT ON COLUMN processing_jobs.attempts IS 'how many have begun';
CREATE INDEX processing_jobs_created_at ON processing_jobs (created_at, job_id);

-- One row for each attempt that came to nothing, and for each that has asked a model, whatever
-- became of it: sums over them are exact, however often the log is read.
CREATE TABLE job_failures (
    job_id text NOT NULL,
    attempt integer NOT NULL,
    chat_id uuid NOT NULL,
    tenant_id text NOT NULL,
    error_code text NOT NULL,
    error_message text,
    retryable boolean NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (job_id, attempt)
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
    called_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (job_id, attempt)
);
COMMENT ON COLUMN model_calls.cost_micros IS
    'millionths of a US dollar; null where the price is not known';
COMMENT ON COLUMN model_calls.reused IS
    'an earlier result served: what it says of tokens and cost was paid before';
CREATE INDEX model_calls_called_at ON model_calls USING brin (called_at);

ALTER TABLE messages ADD COLUMN media_thumbnail_key text;
ALTER TABLE messages ADD COLUMN image_description text;
ALTER TABLE messages ADD COLUMN model text;
COMMENT ON COLUMN messages.media_description IS 'the name of the file';
COMMENT ON COLUMN messages.image_description IS 'what a model sees in the picture';
COMMENT ON COLUMN messages.model IS 'which model wrote the reply, for tokens_in and tokens_out';

-- The same column with the picture's description and with weights: A is what was written, B what
-- was said or is to be seen and the name of the file, C what is in it. A tsvector holds less than
-- 1 MiB. The words of a hyphenated word are kept beside it, so that a character can take 8 bytes:
-- 130,000 always fit, and what is longer is found by its beginning.
ALTER TABLE messages DROP COLUMN search;
ALTER TABLE messages ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', left(
        coalesce(text_content, '') || ' ' || coalesce(media_caption, ''), 60000)), 'A')
    || setweight(to_tsvector('simple', left(
        coalesce(media_description, '') || ' ' || coalesce(image_description, '') || ' '
        || coalesce(media_transcript, ''), 30000)), 'B')
    || setweight(to_tsvector('simple', left(
        coalesce(extracted_media_content, ''),
        130000
        - least(60000, length(coalesce(text_content, '') || ' ' || coalesce(media_caption, '')))
        - least(30000, length(
            coalesce(media_description, '') || ' ' || coalesce(image_description, '') || ' '
            || coalesce(media_transcript, ''))))), 'C')) STORED;
CREATE INDEX messages_search ON messages USING gin (search);

-- For readers ------------------------------------------------------------------------------

CREATE OR REPLACE VIEW message_processing_jobs AS
SELECT j.job_id, j.kind, j.status, j.attempts, j.last_error, j.next_attempt_at, j.created_at,
       j.updated_at, j.tenant_id, j.chat_id, j.message_id, m.kind AS message_kind,
       m.platform_message_id, m.media_mime, j.error_code, j.conversation_id, u.model, u.tokens_in,
       u.tokens_out, u.cost_micros, u.seconds,
       left(coalesce(m.media_caption, m.text_content, m.media_description), 80) AS preview
FROM processing_jobs j
LEFT JOIN messages m ON m.message_id = j.message_id
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT c.model, ', ') AS model,
           sum(c.tokens_in) FILTER (WHERE NOT c.reused) AS tokens_in,
           sum(c.tokens_out) FILTER (WHERE NOT c.reused) AS tokens_out,
           sum(c.cost_micros) FILTER (WHERE NOT c.reused) AS cost_micros,
           sum(c.seconds) FILTER (WHERE NOT c.reused) AS seconds
    FROM model_calls c WHERE c.job_id = j.job_id) u ON true;

CREATE VIEW model_costs AS
SELECT tenant_id, (called_at AT TIME ZONE 'UTC')::date AS day, kind, model,
       count(*) FILTER (WHERE NOT reused) AS calls,
       count(*) FILTER (WHERE reused) AS reused,
       coalesce(sum(tokens_in) FILTER (WHERE NOT reused), 0) AS tokens_in,
       coalesce(sum(tokens_out) FILTER (WHERE NOT reused), 0) AS tokens_out,
       coalesce(sum(seconds) FILTER (WHERE NOT reused), 0) AS seconds,
       coalesce(sum(cost_micros) FILTER (WHERE NOT reused), 0) AS cost_micros,
       count(*) FILTER (WHERE NOT reused AND cost_micros IS NULL) AS without_price
FROM model_calls
GROUP BY 1, 2, 3, 4;
