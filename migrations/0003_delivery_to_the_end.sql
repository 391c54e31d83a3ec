-- What became of each reply until it was sent, and who silenced the bot.

ALTER TYPE platform ADD VALUE 'sms';
ALTER TYPE platform ADD VALUE 'email';
ALTER TYPE platform ADD VALUE 'web_push';

ALTER TABLE sessions ADD COLUMN paused_at timestamptz;
ALTER TABLE sessions ADD COLUMN paused_by text;
COMMENT ON COLUMN sessions.paused_by IS 'the operator; null if a human took over';

ALTER TABLE delivery_attempts ADD COLUMN waiting_for text;
COMMENT ON COLUMN delivery_attempts.waiting_for IS
    'retry (at next_attempt_at) or operator; null if nothing, or a later attempt was made';
CREATE INDEX delivery_attempts_waiting
    ON delivery_attempts (tenant_id, waiting_for) WHERE waiting_for IS NOT NULL;

-- From this attempt on, a reply takes another way than its chat's.
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
    chosen_at timestamptz NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (reply_id, attempt)
);

CREATE OR REPLACE VIEW sent_messages_log AS
SELECT a.reply_id, a.attempt, a.tenant_id, a.chat_id, coalesce(f.channel, a.channel) AS channel,
       coalesce(f.provider, c.provider) AS provider,
       coalesce(f.recipient, c.address, c.platform_user_id) AS platform_user_id,
       left(coalesce(m.text_content, m.media_caption, m.media_description), 80) AS preview,
       a.outcome, a.platform_message_id, a.http_status, a.error_code, a.error_message, a.retryable,
       a.started_at, a.finished_at, a.next_attempt_at, m.delivery_status, a.waiting_for
FROM delivery_attempts a
LEFT JOIN messages m ON m.message_id = a.reply_id
LEFT JOIN chats c ON c.chat_id = a.chat_id
LEFT JOIN LATERAL (
    SELECT w.channel, w.provider, w.recipient FROM delivery_fallbacks w
    WHERE w.reply_id = a.reply_id AND w.attempt <= a.attempt
    ORDER BY w.attempt DESC LIMIT 1) f ON true;

CREATE OR REPLACE VIEW delivery_success AS
SELECT a.tenant_id, coalesce(f.channel, a.channel) AS channel,
       (a.started_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS attempts,
       count(*) FILTER (WHERE a.outcome = 'sent') AS sent,
       count(*) FILTER (WHERE a.outcome = 'failed') AS failed,
       count(*) FILTER (WHERE a.outcome = 'saved_only') AS saved_only,
       (count(*) FILTER (WHERE a.outcome = 'sent'))::float8 / count(*) AS success_ratio
FROM delivery_attempts a
LEFT JOIN LATERAL (
    SELECT w.channel FROM delivery_fallbacks w
    WHERE w.reply_id = a.reply_id AND w.attempt <= a.attempt
    ORDER BY w.attempt DESC LIMIT 1) f ON true
GROUP BY 1, 2, 3;

-- A pause begins with a human's message or an operator's click, whichever came later.
CREATE OR REPLACE FUNCTION auto_resume_candidates(hours double precision)
RETURNS TABLE (tenant_id text, chat_id uuid, reason pause_reason, quiet_since timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.tenant_id, s.chat_id, s.pause_reason,
           coalesce(greatest(s.last_human_at, s.paused_at), s.updated_at)
    FROM sessions s
    WHERE s.is_paused
      AND coalesce(greatest(s.last_human_at, s.paused_at), s.updated_at)
          <= now() - make_interval(secs => hours * 3600)
    ORDER BY 4, 2;
END;
