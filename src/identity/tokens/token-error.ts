/** What is wrong with a token in itself, whatever a server knows. */
export type TokenFault =
  /** It does not begin with `rlt1.`, or is too long. */
  | 'NO_TOKEN'
  /** What has to be the seed is none. */
  | 'SEED'
  /** There are too many blocks, or one is no compact JWS. */
  | 'BLOCK'
  /** The protected header of a block. */
  | 'HEADER'
  /** The payload of a block. */
  | 'PAYLOAD'
  /** Two blocks name different sessions. */
  | 'SESSIONS'
  /** A block is not signed by the key that the one before names, or the seed is not of the last. */
  | 'CHAIN'
  /** The signature of a block. */
  | 'SIGNATURE';

/** A token is wrong in itself. Its text says what is, and has nothing of the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly fault: TokenFault;

  constructor(fault: TokenFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
