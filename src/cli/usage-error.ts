/** The arguments make no sense, or what stands for them in the environment. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
