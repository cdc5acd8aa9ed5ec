import { InvalidArgumentError } from 'commander';
import { type Address, formatAddress, parseAddress } from '../address.ts';
import { AUTH_KINDS, type AuthKind } from '../identity/principal.ts';
import type { PassedSocket } from '../systemd/passed-sockets.ts';

/** Sockets that systemd has made; those of one name, or all that nothing else names. */
export interface PassedPlace {
  readonly kind: 'systemd';
  readonly name: string | undefined;
}

/** What `--listen` says of a listener. Where sockets are that were passed is not known before. */
export interface ListenSpec<Place = Address> {
  readonly address: Place;
  /** The socket that listens there already, and the mode of its file. Undefined: one is made. */
  readonly passed?: Pick<PassedSocket, 'fd' | 'mode'>;
  /** Undefined: what `--auth` says, or the default. */
  readonly auth: readonly AuthKind[] | undefined;
  /** False: in plaintext, though the server has a certificate. */
  readonly tls: boolean;
  /** Nothing but health is told here, in plaintext, and nobody asked who it is. */
  readonly healthOnly: boolean;
}

/** What may follow an address: a path may have commas, too. */
const SETTING = /^(?<rest>.+),(?<setting>auth=[^,]*|tls=[^,]*|health)$/s;

/** Reads `ADDRESS[,auth=KIND+KIND][,tls=off][,health]`; the address may be `systemd[:NAME]`. */
export function listenSpec(text: string): ListenSpec<Address | PassedPlace> {
  const spec = { auth: undefined as ListenSpec['auth'], tls: true, healthOnly: false };
  let rest = text;
  for (;;) {
    const found = SETTING.exec(rest)?.groups;
    if (found === undefined) break;
    rest = found['rest'] ?? '';
    const [name, value = ''] = (found['setting'] ?? '').split('=');
    // Of two that differ, either could be what was meant.
    if (name === 'auth' && spec.auth !== undefined) {
      throw new InvalidArgumentError('auth can be said once; join kinds by +');
    }
    if (name === 'auth') spec.auth = value.split('+').map(authKind);
    else if (name === 'health') spec.healthOnly = true;
    else if (value === 'off') spec.tls = false;
    else throw new InvalidArgumentError('tls can only be said to be off');
  }
  if (spec.healthOnly && spec.auth !== undefined) {
    throw new InvalidArgumentError('where only health is told, nobody is let in');
  }
  try {
    return { ...spec, address: passedPlace(rest) ?? parseAddress(rest) };
  } catch (error) {
    // Which address is said with the name of the option.
    throw new InvalidArgumentError((error as Error).message.replace(`address ${rest}: `, ''));
  }
}

/** Reads `systemd` or `systemd:NAME`; undefined: it is neither. */
export function passedPlace(text: string): PassedPlace | undefined {
  if (text === 'systemd') return { kind: 'systemd', name: undefined };
  if (!text.startsWith('systemd:')) return undefined;
  const name = text.slice('systemd:'.length);
  if (name === '') throw new InvalidArgumentError('the name of the socket is missing');
  return { kind: 'systemd', name };
}

/** The text that {@link passedPlace} reads. */
export function formatPlace(place: Address | PassedPlace): string {
  if (place.kind !== 'systemd') return formatAddress(place);
  return place.name === undefined ? 'systemd' : `systemd:${place.name}`;
}

/** Reads a way to find out who calls. */
export function authKind(text: string): AuthKind {
  const kind = AUTH_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new InvalidArgumentError(`it takes ${AUTH_KINDS.join(', ')}`);
}

/** A listener of which nothing else is said. */
export function plainListener<Place>(address: Place): ListenSpec<Place> {
  return { address, auth: undefined, tls: true, healthOnly: false };
}
