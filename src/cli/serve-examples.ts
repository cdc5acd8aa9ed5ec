import type { Example } from './examples.ts';
import { AUDIT_EXAMPLE } from './serve-audit-options.ts';
import { CONFIG_EXAMPLES } from './serve-command-options.ts';
import { METRICS_EXAMPLES } from './serve-metrics-options.ts';
import { NETWORK_EXAMPLES } from './serve-network-options.ts';
import { PRINCIPAL_EXAMPLE } from './serve-principals.ts';
import { READINESS_EXAMPLE } from './serve-readiness-options.ts';
import { SANDBOX_EXAMPLE } from './serve-sandbox-options.ts';
import { TLS_EXAMPLES } from './tls-options.ts';

/** What its help shows. */
export const SERVE_EXAMPLES: readonly Example[] = [
  {
    command: 'runlet serve',
    does: 'Serve this user, on a Unix socket',
    code: null,
    prints: /^runlet listening on unix:\/.*\/runlet\.sock\n/,
  },
  {
    command: 'runlet serve --listen 127.0.0.1:0 --auth none --log-level warn',
    does: 'Serve everybody on this machine, on a port that is free',
    code: null,
    prints: /^runlet listening on 127\.0\.0\.1:[1-9]\d*\n/,
  },
];

/** What its page of the manual shows beside: every flag is in one. */
export const MORE_SERVE_EXAMPLES: readonly Example[] = [
  {
    command:
      "runlet serve --daemon && runlet serve --status && kill $(runlet serve --status | awk '/^pid/ {print $2}')",
    does: 'Serve in the background, look whether it is up, and end it',
    code: 0,
    prints: /^runlet listening on unix:.*\nits log is .*serve\.log\naddress +unix:/,
  },
  {
    command: 'runlet serve --status --json',
    does: 'Look whether a server is up, for a program',
    code: 3,
    prints: /^\{"address":"unix:.*","version":null\}\n$/,
  },
  {
    command:
      'runlet serve --output-memory 256MiB --output-disk 0 --retained-bytes 1MiB --max-retained-bytes 64MiB --retention 10m --state-dir "$FOLDER"',
    does: 'Keep less output, none of it in files, and for longer',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command:
      'runlet serve --max-sessions 100 --max-processes 1000 --detached-ttl 1m --min-detached-ttl 1s --max-detached-ttl 1h --cwd / --file-root "$FOLDER" --launcher child_process',
    does: 'Bound what clients can have, and say how processes are started',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command:
      'echo \'{"keys":[]}\' >"$FOLDER/jwks.json" && chmod 600 "$FOLDER/jwks.json" && runlet serve --listen 127.0.0.1:0 --auth jwt --jwks "$FOLDER/jwks.json" --jwt-issuer https://login.example.com --jwt-audience runlet --jwt-algorithm ES256',
    does: 'Let in who has a JWT of an issuer, whose public keys are in a file',
    code: null,
    prints: /^runlet listening on 127\.0\.0\.1:[1-9]\d*\n/,
  },
  {
    command:
      'runlet token new ci --append "$FOLDER/tokens" && runlet serve --listen 127.0.0.1:0 --auth token --token-file "$FOLDER/tokens"',
    does: 'Let in who has a token, over TCP',
    code: null,
    prints: /^rlt1\.[\w-]{43}\n[\s\S]*runlet listening on 127\.0\.0\.1:[1-9]\d*\n/,
  },
  {
    command:
      'runlet token new ci --append "$FOLDER/tokens" && runlet serve --listen 0.0.0.0:0 --auth token --token-file "$FOLDER/tokens" --allow-insecure',
    does: 'Do so on a network in which nobody listens who must not',
    code: null,
    prints: /^rlt1\.[\w-]{43}\n[\s\S]*runlet listening on 0\.0\.0\.0:[1-9]\d*\n/,
  },
  {
    command:
      'echo \'principals: [{match: "peer:*", terminals: false}]\' > "$FOLDER/policy.yaml" && runlet serve --policy "$FOLDER/policy.yaml"',
    does: 'Say what callers may do',
    code: null,
    prints: /^(?:.*\n)*runlet listening on unix:/,
  },
  {
    command:
      'runlet serve --listen "unix:$FOLDER/shared.sock" --socket-mode 0666 --allow-uid 0 --allow-uid 1000',
    does: 'Serve two users of this machine, and nobody else',
    code: null,
    prints: /^runlet listening on unix:.*\/shared\.sock\n/,
  },
  {
    command: 'runlet serve --heartbeat 10s --keepalive 30s --keepalive-timeout 5s --grace 2s',
    does: 'Notice sooner that a client is gone, and end sooner',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  ...CONFIG_EXAMPLES,
  ...TLS_EXAMPLES,
  PRINCIPAL_EXAMPLE,
  READINESS_EXAMPLE,
  SANDBOX_EXAMPLE,
  ...NETWORK_EXAMPLES,
  AUDIT_EXAMPLE,
  ...METRICS_EXAMPLES,
];
