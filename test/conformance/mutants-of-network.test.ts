import { OF_NETWORK } from './mutants/catalog.ts';
import { describeMutants } from './mutants/describe-mutants.ts';

describeMutants(OF_NETWORK);
