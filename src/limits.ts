/**
 * Every bound that the server enforces: its value, its unit, and why it has that
 * value. What an operator may set is in {@link Limits}; the rest is fixed. Those of retained
 * output are in `output/sizes.ts`.
 */

export * from './limits/calls.ts';
export * from './limits/connections.ts';
export * from './limits/doctor.ts';
export * from './limits/files.ts';
export * from './limits/identity.ts';
export * from './limits/network.ts';
export * from './limits/operator.ts';
export * from './limits/processes.ts';
export * from './limits/sandbox.ts';
export * from './limits/server.ts';
export * from './limits/stats.ts';
