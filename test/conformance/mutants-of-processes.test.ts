import { OF_PROCESSES } from './mutants/catalog.ts';
import { describeMutants } from './mutants/describe-mutants.ts';

describeMutants([{ fault: 'no fault is put in', fails: [] }, ...OF_PROCESSES]);
