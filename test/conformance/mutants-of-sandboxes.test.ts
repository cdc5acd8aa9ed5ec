import { OF_SANDBOXES } from './mutants/catalog.ts';
import { describeMutants } from './mutants/describe-mutants.ts';

describeMutants(OF_SANDBOXES);
