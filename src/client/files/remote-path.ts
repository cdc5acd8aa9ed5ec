import { OptionError } from '../client-error.ts';
import type { SystemText } from '../process-spec.ts';
import { systemText } from '../system-text.ts';

type Raw<N extends string> = `raw${Capitalize<N>}`;
type PathFields<N extends string> = { readonly [K in N]?: string } & {
  readonly [K in Raw<N>]?: Uint8Array;
};

/**
 * The fields of a request for a path: as a text, or as bytes where it is not UTF-8.
 *
 * @throws OptionError it is neither, or is not absolute
 */
export function pathFields<const N extends string>(name: N, path: SystemText): PathFields<N> {
  const fields = textFieldsOf(name, path);
  const first = typeof path === 'string' ? path.charCodeAt(0) : path[0];
  if (first !== SLASH) throw new OptionError(name, `${name} must be an absolute path`);
  return fields;
}

/** The same for what need not be absolute. */
export function textFieldsOf<const N extends string>(name: N, value: SystemText): PathFields<N> {
  const checked = systemText(name, value);
  const raw = `raw${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return (typeof checked === 'string' ? { [name]: checked } : { [raw]: checked }) as PathFields<N>;
}

const SLASH = 0x2f;
