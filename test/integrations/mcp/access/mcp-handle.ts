import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import {
  type Hit,
  type Memory,
  MemoryError,
  type MemoryHandle,
  type MemoryPage,
  type MemoryStore,
  type NewMemory,
  type RecallOptions,
} from 'multi-agent-memory';
import { memoryMcpServer } from 'multi-agent-memory/mcp';

const times = ['createdAt', 'updatedAt', 'validFrom', 'validTo', 'expiresAt'] as const;
const maxPageSize = 100;

/** A store whose handles call the tools of an MCP server, where a tool exists for the call. */
export function overMcp(store: MemoryStore): MemoryStore {
  const wrapped = (handle: MemoryHandle) => new McpHandle(handle).handle;
  return new Proxy(store, {
    get(target, name) {
      if (name === 'as') return (...given: Parameters<MemoryStore['as']>) => wrapped(target.as(...given));
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

class McpHandle {
  readonly handle: MemoryHandle;
  readonly #direct: MemoryHandle;
  #client: Promise<Client> | undefined;

  constructor(direct: MemoryHandle) {
    this.#direct = direct;
    const tools = {
      remember: (text: string, options: object = {}) => this.#remember(text, options),
      recall: (query: string, options: { topK?: number } = {}) => this.#recall(query, options),
      get: (id: string | object) => this.#get(id),
      list: (options: object = {}) => this.#list(options),
      update: (id: string, patch: object, options: object = {}) =>
        this.#call<{ memory: Memory }>('update_memory', { id, ...asArguments(patch), ...options }).then((result) =>
          read(result.memory),
        ),
      forget: (id: string, options: object = {}) =>
        this.#call<{ results: [{ deleted: boolean }] }>('delete_memory', { id, ...options }).then(
          ({ results: [one] }) => one.deleted,
        ),
    };
    this.handle = new Proxy(direct, {
      get(target, name) {
        if (name in tools) return tools[name as keyof typeof tools];
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async #remember(text: string, options: object): Promise<unknown> {
    // The tool has no such argument.
    if ('embed' in options || 'vector' in options) return this.#direct.remember(text, options as NewMemory);
    return this.#call('add_memory', { text, ...options });
  }

  async #recall(query: string, { topK = 10, distinct, ...options }: RecallOptions): Promise<Hit[]> {
    const { memories } = await this.#call<{ memories: Hit[] }>('search_memories', {
      query,
      topK: Math.min(topK, maxPageSize),
      ...options,
      // Models take one type of value for an argument more reliably than two.
      ...(distinct !== undefined && { distinct: distinct === false ? 'off' : distinct }),
    });
    return memories.map(read);
  }

  async #get(id: string | object): Promise<Memory | undefined> {
    try {
      const { memory } = await this.#call<{ memory: Memory }>('get_memory', typeof id === 'string' ? { id } : id);
      return read(memory);
    } catch (error) {
      if (MemoryError.is(error) && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  #list(options: { cursor?: string }): PromiseLike<MemoryPage> & AsyncIterable<Memory> {
    const page = async (cursor?: string): Promise<MemoryPage> => {
      const more = cursor === undefined ? {} : { cursor };
      const { memories, nextCursor } = await this.#call<{ memories: Memory[]; nextCursor?: string }>('list_memories', {
        limit: maxPageSize,
        ...options,
        ...more,
      });
      return { items: memories.map(read), ...(nextCursor === undefined ? {} : { nextCursor }) };
    };
    return {
      then: (resolve, reject) => page().then(resolve, reject),
      async *[Symbol.asyncIterator]() {
        let cursor: string | undefined = options.cursor;
        do {
          const next: MemoryPage = await page(cursor);
          yield* next.items;
          cursor = next.nextCursor;
        } while (cursor !== undefined);
      },
    };
  }

  async #call<T>(name: string, given: object): Promise<T> {
    this.#client ??= this.#connect();
    const client = await this.#client;
    const result = (await client.callTool({ name, arguments: asJson(given) })) as CallToolResult;
    if (!result.isError) return result.structuredContent as T;
    const [content] = result.content;
    const { error } = JSON.parse(content?.type === 'text' ? content.text : '');
    throw new MemoryError(error.code, error.message, error);
  }

  async #connect(): Promise<Client> {
    const [clientTransport, serverTransport] = InMemoryTransport.createLinkedPair();
    await memoryMcpServer(this.#direct).connect(serverTransport);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(clientTransport);
    return client;
  }
}

/** A patch as arguments of the tool, which has a list of the fields to reset in place of `null`. */
function asArguments(patch: object): object {
  const entries = Object.entries(patch);
  const reset = entries.filter(([, value]) => value === null).map(([name]) => name);
  return { ...Object.fromEntries(entries.filter(([, value]) => value !== null)), ...(reset.length > 0 && { reset }) };
}

const timeArguments = ['validFrom', 'validTo', 'expiresAt', 'asOf', 'from', 'to'];

/** The arguments as JSON, with times as ISO 8601. */
function asJson(given: object): Record<string, unknown> {
  const { during = {}, ...others } = given as { during?: object };
  const entries = Object.entries({ ...others, ...during }).map(([name, value]) => {
    const isTime = timeArguments.includes(name) && typeof value === 'number';
    return [name, isTime ? new Date(value).toISOString() : value];
  });
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

/** The memory with its times as dates. */
function read<M extends Memory>(memory: M): M {
  const dates = times.flatMap((name) => (memory[name] === undefined ? [] : [[name, new Date(memory[name])]]));
  return { ...memory, ...Object.fromEntries(dates) };
}
