-- The index of a recorder: STATE/index.sqlite, schema 1.
--
-- Everything about recordings (inits, segments) can be rebuilt from the files: `camward recorder reindex`.
-- What else is here explains gaps (runs, outages); without it a gap is still a gap, only without its reason.
-- Times are nanoseconds since 1970, UTC. PRAGMA user_version is the number of the schema.

-- What players need ahead of fragments: ftyp and moov, without the time of creation. One row per format, not per file.
CREATE TABLE inits (
    id    INTEGER PRIMARY KEY,
    data  BLOB NOT NULL UNIQUE
);

-- One row per recording file. A row is written after the fragments that it names were flushed.
CREATE TABLE segments (
    id         INTEGER PRIMARY KEY,
    path       TEXT NOT NULL UNIQUE,     -- below STATE/recordings
    camera     TEXT NOT NULL,
    stream     TEXT NOT NULL,            -- stream1, stream2
    recorder   TEXT NOT NULL,            -- who wrote the file: the origin box
    epoch      INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,         -- write order within camera and epoch
    key_id     BLOB,                     -- content key, for a sealed file
    first_utc  INTEGER NOT NULL,         -- capture time of its first picture
    end_utc    INTEGER NOT NULL,         -- when its last acknowledged picture ends
    size       INTEGER NOT NULL,         -- acknowledged bytes
    closed     INTEGER NOT NULL,         -- 1: complete; 0: growing, or left behind by a crash
    init       INTEGER NOT NULL REFERENCES inits (id),
    fragments  BLOB NOT NULL             -- packed by fragment_list.py: time, offset, size, duration, key pictures
);

-- Playback and the timeline: a camera's files that end after a time. Covers the timeline without touching the table.
CREATE INDEX segments_by_end ON segments (camera, stream, end_utc, first_utc);
-- Retention: the oldest of all, and a camera's oldest.
CREATE INDEX segments_by_age ON segments (first_utc);
-- Recovery at start.
CREATE INDEX segments_open ON segments (closed) WHERE closed = 0;

-- From when to when the recorder ran. `seen` is a sign of life, at most a few seconds old when it died.
CREATE TABLE runs (
    epoch    INTEGER PRIMARY KEY,
    started  INTEGER NOT NULL,
    seen     INTEGER NOT NULL,
    clean    INTEGER NOT NULL            -- 1: stopped in order
);

-- Why nothing was recorded for a while.
CREATE TABLE outages (
    id        INTEGER PRIMARY KEY,
    camera    TEXT NOT NULL,
    stream    TEXT NOT NULL,
    from_utc  INTEGER NOT NULL,
    to_utc    INTEGER,                   -- NULL: it lasts
    state     TEXT NOT NULL,             -- network, camera_off, storage
    reason    TEXT NOT NULL
);

CREATE INDEX outages_by_time ON outages (camera, stream, from_utc);
