-- One request is four integers into three dictionaries: about 21 bytes.
-- ids come from state.next_id and are never used twice, so that a shipper's
-- list of ids cannot mean other lines after a prune.
CREATE TABLE request (
  id     INTEGER PRIMARY KEY,
  ts     INTEGER NOT NULL,   -- seconds since 1970
  client INTEGER NOT NULL,
  combo  INTEGER NOT NULL,
  ua     INTEGER NOT NULL
);
CREATE TABLE client (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE agent  (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE combo (
  id       INTEGER PRIMARY KEY,
  zone     INTEGER NOT NULL,  -- seconds east of UTC in %t
  http     TEXT NOT NULL,
  vhost    TEXT NOT NULL,
  protocol TEXT NOT NULL,
  cipher   TEXT NOT NULL,
  UNIQUE (cipher, protocol, vhost, http, zone)
);

-- Lines that are not of the format, byte for byte; ts is that of the line before.
CREATE TABLE raw (
  id     INTEGER PRIMARY KEY,
  ts     INTEGER NOT NULL,
  file   INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  line   BLOB NOT NULL
);

-- Roll-ups, kept in the transaction of the rows. Days and hours are UTC,
-- counted from 1970.
CREATE TABLE hour_combo (
  hour INTEGER NOT NULL, combo INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (hour, combo)
) WITHOUT ROWID;
CREATE TABLE day_combo (
  day INTEGER NOT NULL, combo INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (day, combo)
) WITHOUT ROWID;
CREATE TABLE day_combo_ua (
  day INTEGER NOT NULL, combo INTEGER NOT NULL, ua INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (day, combo, ua)
) WITHOUT ROWID;
-- Between which ids the requests of a day lie, for scans and for pruning.
CREATE TABLE day_rows (
  day INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, n INTEGER NOT NULL
);

-- A log file ever seen, known by its first bytes, and where its reader stands.
CREATE TABLE file (
  id              INTEGER PRIMARY KEY,
  path            TEXT NOT NULL,
  dev             INTEGER NOT NULL,
  inode           INTEGER NOT NULL,
  fingerprint     BLOB NOT NULL,
  fingerprint_len INTEGER NOT NULL,
  offset          INTEGER NOT NULL,
  last_ts         INTEGER NOT NULL DEFAULT 0,
  seconds         TEXT NOT NULL DEFAULT ''   -- ordinals of the newest seconds, "ts:next ..."
);
-- The byte ranges of a file that were taken in, whether their rows still exist or not.
CREATE TABLE ledger (
  file INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
  PRIMARY KEY (file, start)
) WITHOUT ROWID;

-- Lines still to be shipped, with the millisecond each is shipped under.
CREATE TABLE pending  (id INTEGER PRIMARY KEY, milli INTEGER NOT NULL);
CREATE TABLE rejected (id INTEGER PRIMARY KEY, reason TEXT NOT NULL);

CREATE TABLE state (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  next_id    INTEGER NOT NULL,
  dictionary INTEGER NOT NULL,  -- grows when dictionary words are deleted
  shipped    INTEGER NOT NULL   -- lines the service accepted, ever
);
INSERT INTO state VALUES (1, 1, 1, 0);

-- The words of every request. time, day and hour are UTC; c1 to c7 are the
-- columns of the line. CROSS JOIN keeps the scan on request: from a dictionary
-- there is no index to come back by.
CREATE VIEW log AS
SELECT strftime('%Y-%m-%d %H:%M:%S', r.ts, 'unixepoch') AS time,
       c.address AS client, b.http AS http, b.vhost AS vhost,
       b.protocol AS protocol, b.cipher AS cipher, a.text AS user_agent,
       strftime('%Y-%m-%d', r.ts, 'unixepoch') AS day,
       strftime('%Y-%m-%d %H:00', r.ts, 'unixepoch') AS hour,
       r.ts AS ts,
       strftime('[%d/', r.ts + b.zone, 'unixepoch')
         || substr('JanFebMarAprMayJunJulAugSepOctNovDec',
                   3 * strftime('%m', r.ts + b.zone, 'unixepoch') - 2, 3)
         || strftime('/%Y:%H:%M:%S ', r.ts + b.zone, 'unixepoch')
         || printf('%s%02d%02d]', iif(b.zone < 0, '-', '+'), abs(b.zone) / 3600, abs(b.zone) / 60 % 60) AS c1,
       c.address AS c2, b.http AS c3, b.vhost AS c4,
       b.protocol AS c5, b.cipher AS c6, a.text AS c7
FROM request r CROSS JOIN combo b ON b.id = r.combo
     CROSS JOIN client c ON c.id = r.client CROSS JOIN agent a ON a.id = r.ua;

-- Requests a day, counted: the same answers from a thousandth of the rows.
CREATE VIEW hits AS
SELECT strftime('%Y-%m-%d', 86400 * d.day, 'unixepoch') AS day,
       b.http AS http, b.vhost AS vhost, b.protocol AS protocol, b.cipher AS cipher,
       a.text AS user_agent, d.n AS requests
FROM day_combo_ua d CROSS JOIN combo b ON b.id = d.combo CROSS JOIN agent a ON a.id = d.ua;
