// Bundles the command line from `dist/`, which has to be built, into `bundle/`: finding and
// reading some two hundred modules is half of the time in which a command starts. Parts that
// only some commands load stay files of their own. The libraries stay as they are in `dist/`.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'bundle');

/** The package whose code goes in; others are loaded from where they are installed. */
const INCLUDED = '@bufbuild/protobuf';
const NOTICE = `/*! Holds ${INCLUDED}: Copyright 2021-2026 Buf Technologies, Inc. (Apache-2.0), with parts
 * Copyright 2008 Google Inc. (BSD-3-Clause). That package, which is installed too, has the licenses. */`;

const bundle = await rolldown({
  input: join(root, 'dist', 'cli', 'main.js'),
  platform: 'node',
  external: (id) => !/^[./]/.test(id) && id !== INCLUDED && !id.startsWith(`${INCLUDED}/`),
});
rmSync(target, { recursive: true, force: true });
await bundle.write({
  dir: target,
  format: 'esm',
  entryFileNames: 'main.js',
  chunkFileNames: '[name]-[hash].js',
  postBanner: NOTICE,
});
chmodSync(join(target, 'main.js'), 0o755);
