import type { Adapter } from '../adapter';
import { attempt, everything, look } from './ai-sdk-probes';
import { readers } from './ai-sdk-readers';
import { forget, writers } from './ai-sdk-writers';

/** The tools and the middleware, with every supported version of the AI SDK. */
export const aiSDK: Adapter = { name: 'AI SDK', readers, writers, forget, look, attempt, everything };
