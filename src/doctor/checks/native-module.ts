import type { Check } from '../check.ts';

/** What there is without it, as `child_process` starts processes. */
export const FALLBACK =
  'Processes are started by `child_process`: nothing else is done meanwhile, and they have no terminals, limits, sandboxes or merged standard error, and no pipes that can be opened by their paths.';

export const nativeModule: Check<'missing'> = {
  name: 'native-module',
  about: 'the module koffi, by which functions of the C library are called',
  required: true,
  problems: {
    missing: {
      consequence: `\`runlet serve\` does not listen on Unix sockets, since nobody says who connects. ${FALLBACK}`,
      remedy:
        'Install runlet with its optional packages, on the machine that it runs on: `npm install --include=optional runlet`.',
    },
  },
  look: ({ arch, native, platform }) =>
    'libc' in native
      ? { detail: `koffi is loaded, for ${platform} ${arch}` }
      : { detail: native.why, problem: 'missing' },
};
