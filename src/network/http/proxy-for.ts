import { splitPort } from '../egress/host-and-port.ts';
import { canonicalHost } from '../host-name.ts';
import { BITS, isInRange, parseIp } from '../ip-address.ts';
import type { ProxyTarget } from './connector.ts';
import { httpFailed, targetOf } from './http-failure.ts';

/** The proxy for a URL; undefined: there is none. */
export type ProxyFor = (url: URL) => ProxyTarget | undefined;

/** What variables of the environment say of proxies. */
export interface EnvironmentProxies {
  /**
   * @throws RunletError `HTTP_FAILED` where there is one that cannot be used: what is meant to go
   *   through a proxy never goes past it
   */
  readonly proxyFor: ProxyFor;
  /** Whether there is any. */
  readonly any: boolean;
  /** Variables that name a proxy that cannot be used, and why; never what they say. */
  readonly problems: readonly string[];
}

/** What a variable says: a proxy, or why it cannot be used. */
type Named = { readonly proxy: ProxyTarget } | { readonly problem: string };

/** The port where none is named, as curl(1) has it. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '1080', 'https:': '443' };

/**
 * The proxies of an environment, as curl(1) understands it: `http_proxy`, `https_proxy`,
 * `all_proxy` and `no_proxy`, and the same in upper case where these are not there.
 */
export function environmentProxies(env: Readonly<NodeJS.ProcessEnv>): EnvironmentProxies {
  const find = (name: string): string | undefined =>
    [name, name.toUpperCase()].find((one) => (env[one] ?? '') !== '');
  const problems = new Set<string>();
  const read = (name: string | undefined): Named | undefined => {
    if (name === undefined) return undefined;
    const named = parseProxy(env[name] ?? '');
    if ('problem' in named) problems.add(`${name}: ${named.problem}`);
    return named;
  };
  // A CGI program gets the header `proxy` of whoever asks as HTTP_PROXY (https://httpoxy.org).
  const isCgi = env['REQUEST_METHOD'] !== undefined;
  const ofHttp = isCgi ? (env['http_proxy'] ? 'http_proxy' : undefined) : find('http_proxy');
  const all = find('all_proxy');
  const http = read(ofHttp ?? all);
  const https = read(find('https_proxy') ?? all);
  const exempt = exemptions(env[find('no_proxy') ?? ''] ?? '');
  return {
    any: http !== undefined || https !== undefined,
    problems: [...problems],
    proxyFor(url) {
      const named = url.protocol === 'https:' ? https : http;
      if (named === undefined || exempt(url)) return undefined;
      if ('proxy' in named) return named.proxy;
      throw httpFailed('CONNECT', 'PROXY', "the server's proxy cannot be used", url);
    },
  };
}

/** Reads the URL of a proxy, in which `http://` may be left out. */
function parseProxy(text: string): Named {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(whole)) return { problem: 'it is no URL' };
  const url = new URL(whole);
  const port = DEFAULT_PORTS[url.protocol];
  if (port === undefined) return { problem: 'proxies are reached by http and https alone' };
  if (url.hostname === '' || url.port === '0') return { problem: 'it leads to no host' };
  const { password, username } = url;
  url.username = '';
  url.password = '';
  // Also one that URLs leave out.
  const hasPort = /^[^/]*\/\/[^/?#]*:\d+(?:[/?#]|$)/.test(whole);
  if (!hasPort) url.port = port;
  if (username === '' && password === '') return { proxy: { url } };
  const user = percentBytes(username);
  const secret = percentBytes(password);
  const pair = Buffer.concat([user, Buffer.from(':'), secret]).toString('base64');
  return { proxy: { url, authorization: `Basic ${pair}` } };
}

/** The bytes of a text in which some are written as `%XX`. */
function percentBytes(text: string): Buffer {
  const parts = text.split(/(%[0-9a-f]{2})/i).map((part, at) =>
    // Every other one is such a byte.
    at % 2 === 1 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part),
  );
  return Buffer.concat(parts);
}

/** Which URLs no proxy is used for. */
function exemptions(text: string): (url: URL) => boolean {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.includes('*')) return () => true;
  const tests = entries.map(exemption);
  return (url) => {
    const { host, port } = targetOf(url);
    return tests.some((test) => test(host.replace(/\.$/, ''), port));
  };
}

type Exemption = (host: string, port: number) => boolean;

/** A name with all below it, an address or a range of them; each may have a port. */
function exemption(entry: string): Exemption {
  // One that cannot be read exempts nothing.
  const never = (): boolean => false;
  if (entry.includes('://') || (entry.startsWith('[') && !/^\[[^[\]]+\](?::\d+)?$/.test(entry)))
    return never;
  const { host: named, port: digits } = splitPort(entry);
  const isPort = (port: number): boolean => digits === undefined || port === Number(digits);
  const [base = '', prefix] = named.split('/');
  const ip = parseIp(base);
  if (ip !== undefined) {
    const bits = prefix === undefined ? BITS[ip.family] : Number(prefix);
    if (!Number.isInteger(bits) || bits < 0 || bits > BITS[ip.family]) return never;
    const range = { ...ip, prefix: bits };
    return (host, port) => {
      const address = parseIp(host);
      return address !== undefined && isPort(port) && isInRange(address, range);
    };
  }
  const name = canonicalHost(named.replace(/^\./, ''));
  if (name === undefined) return never;
  return (host, port) => isPort(port) && (host === name || host.endsWith(`.${name}`));
}
