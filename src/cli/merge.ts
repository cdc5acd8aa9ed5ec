/**
 * What several sources give, as it comes, to the end of all of them. Each is asked for
 * its next element when the one before was taken; those named first go first.
 */
export async function* merge<T>(...sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const pending = new Map<
    AsyncIterator<T>,
    Promise<{ readonly from: AsyncIterator<T>; readonly result: IteratorResult<T> }>
  >();
  const ask = (from: AsyncIterator<T>): void => {
    pending.set(
      from,
      from.next().then((result) => ({ from, result })),
    );
  };
  for (const source of sources) ask(source[Symbol.asyncIterator]());
  while (pending.size > 0) {
    const { from, result } = await Promise.race(pending.values());
    if (result.done === true) {
      pending.delete(from);
    } else {
      yield result.value;
      ask(from);
    }
  }
}
