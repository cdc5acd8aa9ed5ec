import { lookup } from 'node:dns';

/** Finds the addresses of a name, in the order in which they are to be tried. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** As the system does for its programs, by getaddrinfo(3), which nothing can cancel. */
export const systemLookup: Lookup = (name) =>
  new Promise((resolve, reject) => {
    lookup(name, { all: true, verbatim: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
