-- A person can be known by several ids, and so have several chats; one of them goes on for all.
-- `merged_into` of the others names it, or one on the way to it; their messages stay theirs.
-- `address` is where replies go once that is not `platform_user_id` any more.

ALTER TABLE chats ADD COLUMN address text;
ALTER TABLE chats ADD COLUMN merged_into uuid;
CREATE INDEX chats_merged_into ON chats (merged_into) WHERE merged_into IS NOT NULL;

-- The bound is for a table that somebody has edited: the log holds no circle.
CREATE FUNCTION surviving_chat(known_as uuid) RETURNS uuid
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE way (chat_id, merged_into, step) AS (
        SELECT c.chat_id, c.merged_into, 0 FROM chats c WHERE c.chat_id = known_as
        UNION ALL
        SELECT c.chat_id, c.merged_into, w.step + 1
        FROM way w JOIN chats c ON c.chat_id = w.merged_into
        WHERE w.step < 100)
    SELECT w.chat_id FROM way w ORDER BY w.step DESC LIMIT 1;
END;

CREATE FUNCTION merged_chats(survivor uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE found (chat_id) AS (
        SELECT survivor
        UNION
        SELECT c.chat_id FROM found f JOIN chats c ON c.merged_into = f.chat_id)
    SELECT f.chat_id FROM found f;
END;

CREATE OR REPLACE VIEW recent_activity AS
SELECT c.tenant_id, c.chat_id, c.platform, c.platform_user_id, c.phone_e164, c.username,
       c.first_name, c.last_name, c.is_group, c.last_inbound_at, c.last_outbound_at,
       greatest(c.last_inbound_at, c.last_outbound_at, c.created_at) AS last_activity_at,
       v.conversation_id, v.status AS conversation_status, v.message_count,
       coalesce(s.is_paused, false) AS is_paused, s.pause_reason, s.mode, s.mode_until
FROM chats c
LEFT JOIN conversations v ON v.chat_id = c.chat_id AND v.status <> 'closed'
LEFT JOIN sessions s ON s.chat_id = c.chat_id
WHERE c.merged_into IS NULL;
