import { serve } from 'runlet/client';

/**
 * Calls `use` with the address of a server: the first argument of the program, or else that
 * of a server which is started for it and ends with it.
 */
export async function withServer(use: (address: string) => Promise<void>): Promise<void> {
  const [, , address] = process.argv;
  if (address !== undefined) return use(address);
  const server = await serve();
  try {
    await use(server.address);
  } finally {
    await server.close();
  }
}
