import type { Adapter } from '../adapter';
import { attempt, everything, look } from './asking';
import { ways } from './ways';
import { forget, writes } from './writes';

/** The tools and the middleware, in every version of the AI SDK. */
export const aiSDK: Adapter = { name: 'AI SDK', ways, writes, forget, look, attempt, everything };
