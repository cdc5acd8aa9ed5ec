#!/usr/bin/env node
import { useCompileCache } from './compile-cache.ts';
import { keepIgnoring, restoreVariables } from './started-with.ts';

keepIgnoring();
restoreVariables(process.env, process.pid);
// Only what is loaded after this comes from the cache, so nothing else is imported above.
await useCompileCache(process.env);
const { runCommandLine } = await import('./command-line.ts');
await runCommandLine();
