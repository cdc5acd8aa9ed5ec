/** What is wrong with an answer where neither the system nor the parser has a name for it. */
export class InvalidAnswer extends Error {
  /** As the protos list it. */
  readonly code: 'CLOSED' | 'INVALID_RESPONSE' | 'HEADER_OVERFLOW';

  constructor(code: InvalidAnswer['code']) {
    super(code);
    this.name = 'InvalidAnswer';
    this.code = code;
  }
}
