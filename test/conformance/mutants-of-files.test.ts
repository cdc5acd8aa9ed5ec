import { OF_FILES } from './mutants/catalog.ts';
import { describeMutants } from './mutants/describe-mutants.ts';

describeMutants(OF_FILES);
