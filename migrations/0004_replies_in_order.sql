-- Operators page through replies by when they were made. Neither column ever changes, so that an
-- update of a message's standing stays within its page; of a person's messages there is no entry.

CREATE INDEX messages_replies
    ON messages (created_at, message_id) WHERE received_at IS NOT NULL;
