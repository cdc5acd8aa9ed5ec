#!/usr/bin/env node
import { keepIgnoring, restoreVariables } from './started-with.ts';

keepIgnoring();
restoreVariables(process.env, process.pid);
// Loaded after that, which cannot wait.
void import('./command-line.ts').then(({ runCommandLine }) => runCommandLine());
