import type { Adapter } from '../adapter';
import { attempt, everything, look } from './asking';
import { ways } from './ways';
import { forget, writes } from './writes';

/** LangGraph's store, and what LangChain has. */
export const langchain: Adapter = { name: 'LangGraph and LangChain', ways, writes, forget, look, attempt, everything };
