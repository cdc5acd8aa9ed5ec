/** Whose a process is. */
export interface ProcessOwner {
  /** The session that it is of, for the files of its output; empty: none. */
  readonly owner: string;
  /** The name of the principal that it counts for. */
  readonly principal: string;
}
