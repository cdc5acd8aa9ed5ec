/**
 * What newer lines of Node.js can do and the oldest supported one cannot. The types of that
 * one are used everywhere else, so that nothing newer is used without having asked here.
 */

/** Each is undefined where this Node.js does not have it. */
interface NewerNode {
  /**
   * Since 22.15: replaces this program, as execve(2) does. The process stays, and what is to
   * happen at its exit does not. If that fails it aborts.
   */
  readonly execve: Execve | undefined;
}

type Execve = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) => never;

const { execve } = process as Partial<NewerNode>;

export const newerNode: NewerNode = { execve };
