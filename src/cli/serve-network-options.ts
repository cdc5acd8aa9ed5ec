import type { Command } from 'commander';
import { DEFAULT_LIMITS } from '../limits.ts';
import { type EgressRule, parseEgressRule } from '../network/egress/egress-rule.ts';
import { type ListenRule, parseListenRule } from '../network/egress/listen-rules.ts';
import { type CredentialSpec, parseCredentialSpec } from '../network/http/credential-spec.ts';
import { absolutePath, collected, positiveSeconds } from './arguments.ts';
import type { Example } from './examples.ts';

/** The flags of `runlet serve` that are about its place in the network. */
export interface NetworkServeFlags {
  readonly egressAllow?: readonly EgressRule[];
  readonly egressDeny?: readonly EgressRule[];
  readonly allowListen?: readonly ListenRule[];
  readonly httpCredential?: readonly CredentialSpec[];
  /** Files, by absolute paths. */
  readonly httpCa?: readonly string[];
  /** False: no variable of the environment names a proxy. */
  readonly httpProxy: boolean;
  /** In seconds. */
  readonly tunnelIdleTimeout: number;
}

/** Their names. */
export const NETWORK_FLAGS: readonly string[] = [
  '--egress-allow',
  '--egress-deny',
  '--allow-listen',
  '--http-credential',
  '--http-ca',
  '--no-http-proxy',
  '--tunnel-idle-timeout',
];

/** Examples with all of them. */
export const NETWORK_EXAMPLES: readonly Example[] = [
  {
    command:
      "runlet serve --egress-allow '*.example.org:443' --egress-allow 10.0.0.0/8 --egress-allow '[fd00::/8]:443' --egress-deny 10.0.0.1",
    does: 'Let HTTP requests and connections reach some hosts, and nothing else',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command: 'runlet serve --allow-listen 0.0.0.0:8080 --allow-listen 192.0.2.1',
    does: 'Let callers listen where others than this machine reach them',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command:
      '(umask 077 && echo "Bearer $(head -c 24 /dev/urandom | base64)" >"$FOLDER/token") && runlet serve --http-credential "api=api.example.org,authorization,$FOLDER/token"',
    does: 'Have HTTP requests to a host carry what callers do not see',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command: 'runlet serve --no-http-proxy --http-ca /etc/ssl/certs/ca-certificates.crt',
    does: 'Send HTTP requests past the proxy that variables name, and trust more authorities',
    code: null,
    prints: /^runlet listening on unix:/,
  },
  {
    command: 'runlet serve --tunnel-idle-timeout 10m',
    does: 'Reset connections over which nothing was sent for ten minutes',
    code: null,
    prints: /^runlet listening on unix:/,
  },
];

/** Adds them. */
export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--egress-allow <rule>',
      'HOST[:PORT] or CIDR[:PORT] that HTTP and connections may reach, and nothing else; may be given again (default: all that is not denied)',
      collected(parseEgressRule, 'commas'),
    )
    .option(
      '--egress-deny <rule>',
      'the same, for what they may not, whatever is allowed; may be given again (default: link-local addresses and metadata services of clouds)',
      collected(parseEgressRule, 'commas'),
    )
    .option(
      '--allow-listen <address>',
      'HOST[:PORT] at which callers may listen: an address, 0.0.0.0, :: or *; may be given again (default: loopback addresses, as ever)',
      collected(parseListenRule, 'commas'),
    )
    .option(
      '--http-credential <binding>',
      'NAME=HOST[:PORT],HEADER,FILE: a header whose value is in a file, which HTTP requests to a host over TLS can have without seeing it; may be given again (default: none)',
      collected(absoluteCredential),
    )
    .option(
      '--http-ca <file>',
      'certificates that HTTP trusts too, as PEM; read again when it changes; may be given again (default: those of Node.js alone)',
      collected(absolutePath),
    )
    .option(
      '--no-http-proxy',
      'send HTTP requests past what HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name',
    )
    .option(
      '--tunnel-idle-timeout <duration>',
      'how long nothing may be sent over a connection before it is reset',
      positiveSeconds,
      DEFAULT_LIMITS.tunnelIdleMs / 1000,
    );
}

/** With its file from where this program was started. */
function absoluteCredential(text: string): CredentialSpec {
  const spec = parseCredentialSpec(text);
  return { ...spec, file: absolutePath(spec.file) };
}

/** Whether a variable may name a proxy for HTTP. */
export function namesProxy(env: Readonly<NodeJS.ProcessEnv>): boolean {
  return Object.keys(env).some((name) => /^(?:https?|all)_proxy$/i.test(name));
}
