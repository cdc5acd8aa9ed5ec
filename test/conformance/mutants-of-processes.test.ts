import { describeMutants } from './mutants/describe-mutants.ts';
import { ofEvents } from './mutants/of-events.ts';
import { ofLives } from './mutants/of-lives.ts';
import { ofReading } from './mutants/of-reading.ts';
import { ofStarts } from './mutants/of-starts.ts';
import { ofStdin } from './mutants/of-stdin.ts';

describeMutants([
  { fault: 'no fault is put in', fails: [] },
  ...ofStarts,
  ...ofLives,
  ...ofEvents,
  ...ofReading,
  ...ofStdin,
]);
