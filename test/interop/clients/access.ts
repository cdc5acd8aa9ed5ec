import { readFile } from 'node:fs/promises';
import { type ClientSettings, clientSettings } from '../../../src/client/options.ts';

/** How a client reaches a server, and says who it is: paths of files of PEM, and of a token. */
export interface Access {
  /** Undefined: there is no TLS. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tokenFile?: string;
}

/** The environment that tells a driver so, in the variables of the command line. */
export function environmentOf({ ca, cert, key, tokenFile }: Access): NodeJS.ProcessEnv {
  const own = { RUNLET_CA: ca, RUNLET_CERT: cert, RUNLET_KEY: key, RUNLET_TOKEN_FILE: tokenFile };
  // What is undefined is not in it.
  return { ...process.env, ...own };
}

/** The same for the client in TypeScript. */
export async function settingsOf({ ca, cert, key, tokenFile }: Access): Promise<ClientSettings> {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  return clientSettings({
    tls:
      ca === undefined
        ? false
        : { ca: await read(ca), cert: await read(cert), key: await read(key) },
    ...(tokenFile === undefined ? {} : { token: { file: tokenFile } }),
  });
}
