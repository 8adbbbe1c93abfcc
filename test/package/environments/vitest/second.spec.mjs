import * as library from 'multi-agent-memory';
import { test } from 'vitest';
import { story } from '../story.cjs';

test('remembers and recalls', () => story(library), 60_000);
