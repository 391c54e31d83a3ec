-- Facts that are not in the tables: the poison one of a chat, and those of the chat behind it.
-- Written in the transaction that moves the projection's position over them.

CREATE TABLE parked_facts (
    projection text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea NOT NULL,
    value bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    logged_at bigint NOT NULL, -- milliseconds, as the log has it
    reason text, -- of the poison one; null behind it
    stack text,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, topic, partition, record_offset)
);

CREATE INDEX parked_facts_of_chat ON parked_facts (projection, topic, partition, key, record_offset);
