/** What is wrong with an answer where neither the system nor the parser has a name for it. */
export class InvalidAnswer extends Error {
  /** As the protos list it. */
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super(code, { cause });
    this.name = 'InvalidAnswer';
    this.code = code;
  }
}
