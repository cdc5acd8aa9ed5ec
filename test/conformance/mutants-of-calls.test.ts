import { OF_CALLS } from './mutants/catalog.ts';
import { describeMutants } from './mutants/describe-mutants.ts';

describeMutants(OF_CALLS);
