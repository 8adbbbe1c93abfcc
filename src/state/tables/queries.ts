import { queriesOver } from '../../sqlite/sqlite';
import type { Tables } from './schema';

/** Builds queries over the tables of a store. */
export const queries = queriesOver<Tables>();
