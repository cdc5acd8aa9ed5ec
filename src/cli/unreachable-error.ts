import type { ConnectOptions } from '../client/index.ts';
import { whyUnreachable } from './why-unreachable.ts';

/** There is no server at an address. Says which, why, and how to start one. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** What was looked for at an address. */
export interface Sought {
  /** Whether it is where `runlet serve` listens by itself. */
  readonly isDefault: boolean;
  /** How TLS was spoken. */
  readonly tls: ConnectOptions['tls'];
}

/** Looks why nobody answers at an address. */
export async function unreachable(
  address: string,
  { isDefault, tls = false }: Sought,
  cause: Error,
): Promise<UnreachableError> {
  const { isFree, why } = await whyUnreachable(address, tls === true ? {} : tls || undefined);
  const listen = address.startsWith('unix:') ? address : `${address} --auth none`;
  const serve = isDefault ? 'runlet serve' : `runlet serve --listen ${listen}`;
  // One with TLS takes a certificate.
  const hint = isFree && tls === false ? `; start one with \`${serve}\`` : '';
  return new UnreachableError(`no server answers at ${address}: ${why}${hint} (UNAVAILABLE)`, {
    cause,
  });
}
