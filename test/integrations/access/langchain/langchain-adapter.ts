import type { Adapter } from '../adapter';
import { attempt, everything, look } from './langchain-probes';
import { readers } from './langchain-readers';
import { forget, writers } from './langchain-writers';

/** The store for LangGraph and everything for LangChain. */
export const langchain: Adapter = {
  name: 'LangGraph and LangChain',
  readers,
  writers,
  forget,
  look,
  attempt,
  everything,
};
