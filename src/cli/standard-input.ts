/** A piece of standard input, or its end, as a write to a process's stdin takes it. */
export interface StdinChunk {
  /** Where `data` stands in all of it. */
  readonly offset: bigint;
  readonly data?: Uint8Array;
  readonly eof?: boolean;
}

/**
 * Reads our standard input, no faster than the pieces are taken. One that cannot be
 * read is said to be so, and is not taken for one that ended.
 */
export async function* readStandardInput(): AsyncGenerator<StdinChunk> {
  let offset = 0n;
  try {
    for await (const data of process.stdin as AsyncIterable<Buffer>) {
      yield { offset, data };
      offset += BigInt(data.byteLength);
    }
  } catch (error) {
    process.stderr.write(`runlet: standard input: ${String(error)}\n`);
    return;
  }
  yield { offset, eof: true };
}
