import { toJsonSchema } from '@langchain/core/utils/json_schema';
import { asSchema } from 'ai';
import { type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import * as aiSdk from 'multi-agent-memory/ai-sdk';
import * as langchain from 'multi-agent-memory/langchain';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { connected } from './mcp/test-client';

/** A JSON schema, as far as these tests read it. */
interface JsonSchema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly [keyword: string]: unknown;
}

// What both Gemini (https://ai.google.dev/api/caching#Schema) and OpenAI's strict mode
// (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas) know. `$schema` is allowed at the top, where the SDKs
// remove it.
const keywords: Readonly<Record<string, readonly string[]>> = {
  string: ['enum'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties'],
};

/** What the strictest providers reject in a schema: one line for each problem, with its path. */
function strictProblems(schema: JsonSchema, path = '$'): string[] {
  const { type, properties = {}, items, additionalProperties } = schema;
  const known = typeof type === 'string' ? keywords[type] : undefined;
  if (known === undefined) return [`${path}: type ${JSON.stringify(type)}`];
  const unknown = Object.keys(schema).filter((name) => !['type', 'description', ...known].includes(name));
  const problems = unknown.map((name) => `${path}: keyword ${name}`);
  if (type === 'array') problems.push(...strictProblems(items ?? {}, `${path}[]`));
  if (type !== 'object') return problems;
  if (Object.keys(properties).length === 0) problems.push(`${path}: an object without properties`);
  if (additionalProperties !== false) problems.push(`${path}: an object with other properties`);
  return [
    ...problems,
    ...Object.entries(properties).flatMap(([name, each]) => strictProblems(each, `${path}.${name}`)),
  ];
}

let store: MemoryStore;
let handle: MemoryHandle;

beforeAll(async () => {
  store = await MemoryStore.inMemory();
  handle = store.admin.within({ namespace: ['notes'] });
});

afterAll(() => store.close());

test.each([
  [{ type: 'object', properties: {}, additionalProperties: false }, 'an object without properties'],
  [{ type: ['string', 'null'] }, 'type ["string","null"]'],
  [{ anyOf: [{ type: 'string' }] }, 'type undefined'],
  [{ type: 'array' }, '$[]: type undefined'],
  [{ type: 'string', minLength: 1 }, 'keyword minLength'],
  [{ type: 'object', properties: { a: { $ref: '#' } }, additionalProperties: false }, '$.a: type undefined'],
])('the check of tool schemas reports %j', (schema, problem) => {
  expect(strictProblems(schema).join()).toContain(problem);
});

describe('the strictest providers accept the arguments of', () => {
  test('every MCP tool', async () => {
    const client = await connected(handle);
    const { tools } = await client.listTools();
    const problems = tools.flatMap(({ name, inputSchema }) => strictProblems(inputSchema as JsonSchema, name));
    expect(problems).toEqual([]);
    await client.close();
  });

  test.each(['remember', 'recall', 'forget'] as const)(
    'the tool %s of the AI SDK, with every argument required',
    async (name) => {
      const tools = { ...aiSdk.memoryTools(handle), forget: aiSdk.forgetTool(handle) };
      const { $schema: _, ...schema } = (await asSchema(tools[name].inputSchema as z.ZodType)
        .jsonSchema) as unknown as JsonSchema;
      expect(strictProblems(schema)).toEqual([]);
      expect(schema.required).toEqual(Object.keys(schema.properties ?? {}));
    },
  );

  test.each([0, 1])('the tool %i of LangChain, with every argument required', (index) => {
    const tool = langchain.memoryTools(handle)[index];
    const { $schema: _, ...schema } = toJsonSchema(tool?.schema as never) as unknown as JsonSchema;
    expect(strictProblems(schema)).toEqual([]);
    expect(schema.required).toEqual(Object.keys(schema.properties ?? {}));
  });
});

describe('a limit in the form in which models send it', () => {
  test.each([null, undefined, '3', 3])('%j is accepted by the AI SDK and LangChain', async (limit) => {
    const parsed = await asSchema(aiSdk.recallTool(handle).inputSchema).validate?.({ query: 'x', limit });
    expect(parsed).toEqual({ success: true, value: { query: 'x', limit: Number(limit ?? 10) } });
    const args = { query: 'x', limit } as never;
    expect(await langchain.recallTool(handle).invoke(args)).toBe('No matching memories were found.');
  });

  test.each(['many', '0', 11, '1.5'])('%j is rejected by the AI SDK and LangChain', async (limit) => {
    const parsed = await asSchema(aiSdk.recallTool(handle).inputSchema).validate?.({ query: 'x', limit });
    expect(parsed?.success).toBe(false);
    await expect(langchain.recallTool(handle).invoke({ query: 'x', limit } as never)).rejects.toThrow(/schema/);
  });
});
