import * as memory from 'multi-agent-memory';
import * as testing from 'multi-agent-memory/testing';
import { check } from './check.mjs';

await check(memory, testing);
