-- Named reports over log. A line "-- NAME: TITLE" begins one. A column called
-- requests gets its share of all requests of the window beside it. Columns that
-- the roll-ups hold keep a report instant: http, vhost, protocol, cipher,
-- user_agent, day, hour.

-- ciphers: what is negotiated, by cipher suite
SELECT cipher, count(*) AS requests FROM log
GROUP BY cipher ORDER BY requests DESC, cipher;

-- protocols: what is negotiated, by TLS version
SELECT protocol, count(*) AS requests FROM log
GROUP BY protocol ORDER BY requests DESC, protocol;

-- suites: TLS version and cipher suite together
SELECT protocol, cipher, count(*) AS requests FROM log
GROUP BY protocol, cipher ORDER BY requests DESC, protocol, cipher;

-- vhosts: requests by virtual host
SELECT vhost, count(*) AS requests FROM log
GROUP BY vhost ORDER BY requests DESC, vhost;

-- vhost-protocols: which TLS versions each virtual host serves
SELECT vhost, protocol, count(*) AS requests FROM log
GROUP BY vhost, protocol ORDER BY vhost, requests DESC, protocol;

-- agents: requests by user agent
SELECT user_agent, count(*) AS requests FROM log
GROUP BY user_agent ORDER BY requests DESC, user_agent;

-- clients: requests by client address (reads every row)
SELECT client, count(*) AS requests FROM log
GROUP BY client ORDER BY requests DESC, client;

-- http: requests by HTTP version
SELECT http, count(*) AS requests FROM log
GROUP BY http ORDER BY requests DESC, http;

-- days: requests a day (UTC)
SELECT day, count(*) AS requests FROM log
GROUP BY day ORDER BY day;

-- hours: requests an hour (UTC)
SELECT hour, count(*) AS requests FROM log
GROUP BY hour ORDER BY hour;

-- trend: TLS versions, day by day (UTC)
SELECT day, protocol, count(*) AS requests FROM log
GROUP BY day, protocol ORDER BY day, requests DESC, protocol;

-- legacy: old versions (RFC 8996), suites without forward secrecy or AEAD
SELECT protocol, cipher, count(*) AS requests FROM log
WHERE protocol IN ('SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1')
   OR cipher NOT GLOB 'TLS_*' AND cipher <> '-' AND cipher <> ''
      AND (cipher NOT GLOB '*DHE-*' OR cipher NOT GLOB '*GCM*' AND cipher NOT GLOB '*CCM*' AND cipher NOT GLOB '*CHACHA20*')
GROUP BY protocol, cipher ORDER BY requests DESC, protocol, cipher;

-- legacy-agents: who still uses an old version (RFC 8996)
SELECT user_agent, protocol, count(*) AS requests FROM log
WHERE protocol IN ('SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1')
GROUP BY user_agent, protocol ORDER BY requests DESC, user_agent, protocol;
