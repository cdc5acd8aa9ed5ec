import type { Command } from 'commander';
import { jwtAlgorithm } from '../identity/jwt/algorithms.ts';
import { collected, nonEmpty } from './arguments.ts';

/** What is said of the JWTs that a server takes. */
export const JWT_FLAGS = ['--jwks', '--jwt-issuer', '--jwt-audience', '--jwt-algorithm'] as const;

/** Adds {@link JWT_FLAGS} to a command. */
export function addJwtOptions(command: Command): void {
  command
    .option(
      '--jwks <file|url>',
      'the public keys of --auth jwt, as a JWK set: a file, or an https URL (default: none)',
      nonEmpty,
    )
    .option('--jwt-issuer <issuer>', 'who makes the JWTs, their `iss` (default: none)', nonEmpty)
    .option(
      '--jwt-audience <audience>',
      'whom they are for, one of their `aud`; may be given again',
      collected(nonEmpty),
    )
    .option(
      '--jwt-algorithm <algorithm>',
      'an algorithm of their signatures; may be given again (default: all that are asymmetric)',
      collected(jwtAlgorithm, 'commas'),
    );
}
