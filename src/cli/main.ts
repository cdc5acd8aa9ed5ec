#!/usr/bin/env node
import { useCompileCache } from './compile-cache.ts';

// Only what is loaded after this comes from the cache, so nothing else is imported above.
await useCompileCache(process.env);
const { runCommandLine } = await import('./command-line.ts');
await runCommandLine();
