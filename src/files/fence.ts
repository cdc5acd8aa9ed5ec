import { FileFault } from './file-fault.ts';

/**
 * Says to a thread that what it is about to do may not be done any more: the call that wanted it
 * is over, or another has taken its place. It is shared with the thread, which may be busy, so
 * that no message would come in time.
 */
export type Fence = Int32Array<SharedArrayBuffer>;

/** One that is open. */
export function openFence(): Fence {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Closes one, for good. What the thread is at that very moment may be done still. */
export function closeFence(fence: Fence): void {
  Atomics.store(fence, 0, 1);
}

/**
 * Asks before each change that cannot be taken back.
 *
 * @throws FileFault `UPLOAD_SUPERSEDED`
 */
export function assertNotFenced(fence: Fence, path: string): void {
  if (Atomics.load(fence, 0) === 0) return;
  const message = 'whoever wanted it is gone';
  throw new FileFault('UPLOAD_SUPERSEDED', { operation: 'write', path, message });
}
