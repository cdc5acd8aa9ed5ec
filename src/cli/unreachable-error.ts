import { whyUnreachable } from './why-unreachable.ts';

/** There is no server at an address. Says which, why, and how to start one. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/**
 * Looks why nobody answers at an address. `isDefault`: whether it is where `runlet serve` listens
 * by itself.
 */
export async function unreachable(
  address: string,
  isDefault: boolean,
  cause: Error,
): Promise<UnreachableError> {
  const { isFree, why } = await whyUnreachable(address);
  const listen = address.startsWith('unix:') ? address : `${address} --auth none`;
  const serve = isDefault ? 'runlet serve' : `runlet serve --listen ${listen}`;
  const hint = isFree ? `; start one with \`${serve}\`` : '';
  return new UnreachableError(`no server answers at ${address}: ${why}${hint} (UNAVAILABLE)`, {
    cause,
  });
}
