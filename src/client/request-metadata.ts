import { isRecord } from './check-options.ts';
import { OptionError } from './client-error.ts';
import type { ConnectOptions, RequestMetadata } from './options.ts';
import type { TokenSource } from './token-source.ts';

/** What a name and a value of metadata may hold: see the protocol of gRPC over HTTP/2. */
const NAME = /^[0-9a-z_.-]+$/i;
const VALUE = /^[ -~]*$/;

/**
 * What gives the metadata of a call, of which all can be sent.
 *
 * @throws OptionError; what is given rejects with it where the metadata is known only then
 */
export function requestMetadata(
  given: NonNullable<ConnectOptions['metadata']>,
): () => RequestMetadata | Promise<RequestMetadata> {
  if (typeof given !== 'function') {
    const checked = checkMetadata(given);
    return () => checked;
  }
  return async () => checkMetadata(await given());
}

/** The same with a token, in the header that RFC 6750, section 2.1, has for it. */
export function metadataWithToken(
  metadata: () => RequestMetadata | Promise<RequestMetadata>,
  token: TokenSource | undefined,
): () => RequestMetadata | Promise<RequestMetadata> {
  if (token === undefined) return metadata;
  return () => {
    const [given, bearer] = [metadata(), token.get()];
    // Most are known, and their calls begin in this turn of the event loop.
    if (typeof bearer === 'string' && !(given instanceof Promise)) return joined(given, bearer);
    return Promise.all([given, bearer]).then((both) => joined(...both));
  };
}

function joined(metadata: RequestMetadata, token: string): RequestMetadata {
  if (Object.keys(metadata).some((name) => name.toLowerCase() === 'authorization')) {
    throw new OptionError('token', 'token cannot be used with metadata.authorization');
  }
  return { ...metadata, authorization: `Bearer ${token}` };
}

function checkMetadata(metadata: RequestMetadata): RequestMetadata {
  if (!isRecord(metadata)) throw new OptionError('metadata', 'metadata must be an object');
  for (const [name, value] of Object.entries(metadata)) {
    const path = `metadata.${name}`;
    if (!NAME.test(name) || name.toLowerCase().endsWith('-bin')) {
      throw new OptionError(path, `${path} is no name of metadata that is text`);
    }
    if (typeof value !== 'string' || !VALUE.test(value)) {
      // It may be a secret.
      throw new OptionError(path, `${path} must be a string of printable ASCII characters`);
    }
  }
  return metadata;
}
