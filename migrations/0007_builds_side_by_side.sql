-- The builds of each projection: the one that readers see, those that grow beside it, those kept.
-- A build that is not live has its tables, its positions and its version in a schema of its own.

CREATE TABLE projection_builds (
    projection text NOT NULL,
    build text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    scope jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    ready_at timestamptz,
    live_since timestamptz,
    PRIMARY KEY (projection, build)
);
COMMENT ON COLUMN projection_builds.version IS 'of the program that made the rows';
COMMENT ON COLUMN projection_builds.state IS 'filling, ready, live or kept';
COMMENT ON COLUMN projection_builds.scope IS 'the part of the log that it is made of';
CREATE UNIQUE INDEX projection_builds_one_live
    ON projection_builds (projection) WHERE state = 'live';
