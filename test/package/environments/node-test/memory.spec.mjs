import { test } from 'node:test';
import * as library from 'multi-agent-memory';
import { story } from '../story.cjs';

test('remembers and recalls', () => story(library));
