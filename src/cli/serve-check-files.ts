import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { AuthKind } from '../identity/principal.ts';
import type { ServerLog } from '../server/server-log.ts';
import { Reloads } from './reloads.ts';
import { usesAuth } from './serve-checks.ts';
import type { ServeFlags } from './serve-flags.ts';
import { createAuthenticator, openTlsFiles } from './serve-listeners.ts';
import { tlsFilesOf } from './tls-options.ts';

/** Something that flags name, which has to be there and make sense. */
export interface NamedFile {
  /** The key that names it. */
  readonly key: string;
  readonly path: string;
  /**
   * Looks at it as the server does, and changes nothing. What is odd about it goes to the log.
   *
   * @throws Error that says what is wrong with it
   */
  readonly look: (log: ServerLog) => Promise<void>;
}

/** What is opened to be looked at. */
type Opened = { close(): void } | undefined;

/** All files and folders that flags name. What is at a URL is not asked for. */
export function namedFiles(flags: ServeFlags): readonly NamedFile[] {
  const { audit, jwks, metricsTokenFile, policy, sandboxProfiles, stateDir, tokenFile } = flags;
  const named = (
    key: string,
    path: string | undefined,
    open: (path: string, log: ServerLog) => Promise<Opened>,
  ): readonly NamedFile[] =>
    path === undefined
      ? []
      : [{ key, path, look: async (log) => (await open(path, log))?.close() }];
  const authenticator = (kind: AuthKind) => (_: string, log: ServerLog) =>
    createAuthenticator(kind, flags, log);
  return [
    ...named('tls-cert', flags.tlsCert, (_, log) => openTlsFiles(tlsFilesOf(flags), log)),
    ...(usesAuth(flags, 'token') ? named('token-file', tokenFile, authenticator('token')) : []),
    ...(usesAuth(flags, 'jwt') && !/^https?:/i.test(jwks ?? '')
      ? named('jwks', jwks, authenticator('jwt'))
      : []),
    ...named('policy', policy, async (path, log) => {
      const { servePolicy } = await import('./serve-policy.ts');
      return servePolicy(path, log);
    }),
    ...named('sandbox-profiles', sandboxProfiles, async (path, log) => {
      const { serveProfiles } = await import('./serve-sandboxes.ts');
      return serveProfiles(path, log);
    }),
    ...httpFiles(flags),
    ...named('metrics-token-file', metricsTokenFile, async (path) => {
      const { readMetricsToken } = await import('./serve-metrics.ts');
      await readMetricsToken(path);
      return undefined;
    }),
    ...named('audit', audit === '-' ? undefined : audit, async (path) => {
      const { assertAuditFile } = await import('../telemetry/audit-target.ts');
      await assertAuditFile(resolve(path));
      return undefined;
    }),
    ...named('state-dir', stateDir, async (path) => {
      await assertFolder(path);
      return undefined;
    }),
    ...(flags.fileRoot ?? []).flatMap((root) =>
      named('file-root', root, async (path) => {
        const { closeRoots, openRoots } = await import('../files/roots.ts');
        closeRoots(openRoots([path]));
        return undefined;
      }),
    ),
  ];
}

/** Each apart, so that all that is wrong is told. */
function httpFiles({ httpCa = [], httpCredential = [] }: ServeFlags): readonly NamedFile[] {
  const look =
    (flags: Pick<ServeFlags, 'httpCa' | 'httpCredential'>) =>
    async (log: ServerLog): Promise<void> => {
      const { serveHttp } = await import('./serve-http.ts');
      const http = await serveHttp(
        { ...flags, httpProxy: false },
        process.env,
        log,
        new Reloads(log),
      );
      http.close();
    };
  return [
    ...httpCredential.map((spec) => ({
      key: 'http-credential',
      path: spec.file,
      look: look({ httpCredential: [spec] }),
    })),
    ...httpCa.map((path) => ({ key: 'http-ca', path, look: look({ httpCa: [path] }) })),
  ];
}

/** Looks whether something can be made in a folder, or that itself where it is missing. */
async function assertFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    return undefined;
  });
  if (found === undefined) return assertFolder(dirname(path));
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  await access(path, constants.W_OK | constants.X_OK);
}
