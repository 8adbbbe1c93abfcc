import { queriesOver } from '../../sqlite/statement';
import type { Tables } from './schema';

/** Builds queries over the tables of a store. */
export const queries = queriesOver<Tables>();
