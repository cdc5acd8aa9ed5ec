/** The arguments make no sense, or what stands for them in the environment. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Whether it says itself what to do, rather than the help of the command. */
  readonly saysWhatToDo: boolean;

  /** `whatToDo`: what helps, where the help of the command does not say it. */
  constructor(what: string, whatToDo?: string) {
    super(whatToDo === undefined ? what : `${what}; ${whatToDo}`);
    this.saysWhatToDo = whatToDo !== undefined;
  }
}
