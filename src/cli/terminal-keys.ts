/** What Ctrl-C types on a terminal in raw mode. */
export const CTRL_C = 3;
