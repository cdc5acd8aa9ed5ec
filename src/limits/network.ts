import { KIB, MIB, SECOND } from '../units.ts';

/* HTTP and connections through the server's machine. */

/** Connections of one session at one time, those of its listeners that wait included: some 20 KiB each. */
export const MAX_SESSION_TUNNELS = 2048;

/** Listeners of one session at one time. */
export const MAX_SESSION_LISTENERS = 64;

/** Connections of one listener that wait to be taken over, as many as commonly wait in a system (listen(2)). */
export const MAX_WAITING_CONNECTIONS = 128;

/** Milliseconds that one waits before it is reset: a round trip for a client that is there. */
export const CONNECTION_WAIT_MS = 10 * SECOND;

/** HTTP requests of one session under way. */
export const MAX_SESSION_HTTP_REQUESTS = 256;

/** Bytes of the head of an HTTP answer, and of the headers of a request: more than common servers send and take. */
export const MAX_HTTP_HEADER_BYTES = 64 * KIB;

/** Redirects that are followed, as browsers and curl(1) do at least. */
export const MAX_REDIRECTS = 10;

/** Milliseconds that a connection may take to be made where nothing is said of it. */
export const CONNECT_TIMEOUT_MS = 30 * SECOND;

/** Bytes of one message of a body or a connection: as for files, more gains nothing. */
export const NETWORK_PIECE_BYTES = 64 * KIB;

/** Names of one principal that are looked up or wait for it: what its connections can ask for at one time. */
export const MAX_PRINCIPAL_LOOKUPS = 4096;

/** Milliseconds until the next address of a name is tried as well: RFC 8305, 5. */
export const NEXT_ADDRESS_MS = 250;

/** Addresses of a name that are tried: a browser gives up before. */
export const MAX_TRIED_ADDRESSES = 32;

/** Of these at one time. The one that was tried first is given up for the next. */
export const MAX_ADDRESSES_AT_ONCE = 6;
/** Milliseconds that an HTTP connection is kept while nothing is asked: less than common servers do, which end theirs after 5 s. */
export const HTTP_IDLE_MS = 4 * SECOND;

/** Idle HTTP connections of one session, the oldest of which goes for another. */
export const MAX_SESSION_IDLE_CONNECTIONS = 32;

/** The same of all sessions: some 50 KiB each, and a descriptor. */
export const MAX_IDLE_CONNECTIONS = 1024;

/** Exchanges over one HTTP/2 connection at one time, as many as common servers allow. */
export const MAX_HTTP2_STREAMS = 100;

/** Bytes of an answer that HTTP/2 sends before they are taken: what crosses 20 ms at 100 Mbit/s. */
export const HTTP2_STREAM_WINDOW_BYTES = 256 * KIB;

/** The same of all answers over one connection. */
export const HTTP2_CONNECTION_WINDOW_BYTES = MIB;

/** Bytes of the body of an answer that leads elsewhere which are read to keep the connection. */
export const REDIRECT_BODY_BYTES = 64 * KIB;

/** Milliseconds that this may take: about a new connection's. */
export const REDIRECT_BODY_MS = 100;

/** Processes, with all that came of them, whose ports are looked for in one call. */
export const MAX_PORT_PROCESSES = 4096;

/** Descriptors of one of them that are looked at: servers have a thousand connections, few have more. */
export const MAX_PORT_DESCRIPTORS = 4096;

/** Milliseconds that one call looks: each descriptor takes some 10 µs. */
export const PORTS_TIME_MS = 3 * SECOND;

/** Ports that one call tells of. */
export const MAX_LISTED_PORTS = 1024;

/** Bytes that are read of a table of sockets at one time: some 400 of them. */
export const NET_TABLE_READ_BYTES = 64 * KIB;

/** Milliseconds of silence after which the system asks whether the other side of a connection is there. */
export const TUNNEL_KEEPALIVE_MS = 60 * SECOND;

/** Milliseconds between two looks at whether what was sent to one that sends nothing more was refused. */
export const REFUSAL_PROBE_MS = SECOND / 2;

/** Bytes of the value of a credential: fewer could be guessed, and more are in no header of its kind. */
export const MIN_CREDENTIAL_BYTES = 8;
export const MAX_CREDENTIAL_BYTES = 8 * KIB;

/** Credentials of one server: each has a file that is looked at twice a second. */
export const MAX_CREDENTIALS = 256;

/** Bytes of the head of a proxy's answer. */
export const MAX_PROXY_HEADER_BYTES = 16 * KIB;

/** Addresses of one name that a proxy is asked to connect to, one after another. */
export const MAX_PROXIED_ADDRESSES = 4;
