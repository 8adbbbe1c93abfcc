import { readFile } from 'node:fs/promises';
import { defined } from '../../domain/defined';
import type { MemoryHandle, Principal, Subject } from '../../index';
import type { McpHttpOptions } from '../../integrations/mcp';
import { authenticatorFor, isUsableToken, minTokenLength } from '../../integrations/shared/bearer-token';
import { listensOnEveryAddress } from '../../integrations/shared/http-callers';
import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { type CommandStore, embedderOptions, trustOptions, writeStore } from '../command-store';
import { integer, namespaceText, oneOf } from '../option-checks';
import { parentEnd } from '../parent-processes';
import { principalOf, principalOptions } from '../principal-options';
import { refuseClient } from '../refuse-client';
import { namespaceOption } from '../selection-options';
import { type ExitCode, exitCodes, type Terminal } from '../terminal';

const httpOptionNames = ['port', 'host', 'allow-host', 'allow-origin', 'token-file', 'token-env'];

// Each MCP client starts its own server process, often at the same moment. So a process waits this long for another one to open and
// serve the folder.
const waitMs = 5_000;

/** The roles that `--allow` accepts. Each has an action that shows whether the principal already has the role. */
const roleActions = { reader: 'read', writer: 'write' } as const;

// Terminals whose input a server reads. If it fails later, its client already has an answer to its first request.
const servingTerminals = new WeakSet<Terminal>();

/** `mcp`: runs an MCP server. */
export const mcpCommand: Command = {
  summary: 'Serves MCP clients, which act as one agent, user or service. Requires @modelcontextprotocol/sdk.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    ...principalOptions,
    agent: { valueName: 'ID', help: 'act as this agent; one of --agent, --user and --service is required' },
    namespace: { valueName: 'PATH', help: 'limit clients to this namespace and below', check: namespaceText },
    allow: {
      valueName: 'ROLE',
      help: 'reader or writer: if the principal lacks this role in the namespace, add a permanent rule that grants it',
      check: oneOf(...Object.keys(roleActions)),
    },
    http: {
      help: 'serve over streamable HTTP; default: over standard input and output, for the client that starts the server',
    },
    port: {
      valueName: 'N',
      help: 'the port; default: a free one, printed on standard error',
      check: integer(0, 65_535),
    },
    host: { valueName: 'ADDRESS', help: 'the address to listen on; default: 127.0.0.1, only this machine' },
    'allow-host': {
      valueName: 'NAME',
      repeatable: true,
      help: 'a host name by which clients call the server; required if --host means every address',
    },
    'allow-origin': {
      valueName: 'URL',
      repeatable: true,
      help: 'the origin of a web page that may call the server; default: none',
    },
    'token-file': { valueName: 'FILE', help: 'a file with the token that clients must send, 16 characters or more' },
    'token-env': { valueName: 'NAME', help: 'an environment variable that contains the token' },
    ...embedderOptions,
    ...trustOptions,
  },
  examples: [
    ['mcp ./memory --agent=assistant --namespace=notes --allow=writer', 'for a client that starts it'],
    ['mcp ./memory --agent=assistant --http --port=8787 --token-file=./token', 'for clients with the token'],
  ],
  usageProblems: (line) => [
    ...(principalOf(line) === undefined
      ? ['One of --agent, --user and --service is required: the principal that clients act as.']
      : []),
    ...(line.flag('http') ? httpProblems(line) : httpOnlyProblems(line)),
  ],
  // Over HTTP, no client is connected to standard input.
  reportFailure: async (words, problems, terminal) => {
    if (!words.includes('--http') && !servingTerminals.has(terminal)) await refuseClient(terminal, problems);
  },
  run: async (line, terminal) => {
    const mcp = await import('../../integrations/mcp').catch((error: NodeJS.ErrnoException) => {
      if (!/MODULE_NOT_FOUND$/.test(error.code ?? '')) throw error;
      throw new Error(`Package missing: run "npm install @modelcontextprotocol/sdk". (${error.message})`);
    });
    const http = line.flag('http') ? await httpOptions(line) : undefined;
    const onError = (error: unknown) => terminal.printError(String(error));
    if (http !== undefined) return serveOverHttp(mcp, { ...http, onError }, line, terminal);
    return writeStore(
      line,
      terminal,
      async (store) => {
        const handle = await clientHandle(store, line);
        servingTerminals.add(terminal);
        await untilClosed(await mcp.serveStdio(handle, { onError }), terminal);
        return exitCodes.success;
      },
      { create: true, waitMs },
    );
  },
};

/** Listens before it opens the store, so that no empty store is created if the port is in use. Early requests wait for the store. */
async function serveOverHttp(
  mcp: typeof import('../../integrations/mcp'),
  { token, ...options }: McpHttpOptions,
  line: CommandLine,
  terminal: Terminal,
): Promise<ExitCode> {
  let opened: (handle: MemoryHandle) => void = () => undefined;
  const handle = new Promise<MemoryHandle>((resolve) => {
    opened = resolve;
  });
  await using server = await mcp.serveHttp(authenticatorFor(handle, token), options);
  return await writeStore(
    line,
    terminal,
    async (store) => {
      opened(await clientHandle(store, line));
      terminal.printError(`Listening at ${server.url}`);
      await aborted(terminal.signal);
      // Requests must not outlive the store.
      await server.close();
      return exitCodes.success;
    },
    { create: true, waitMs },
  );
}

function httpProblems(line: CommandLine): string[] {
  const given = ['token-file', 'token-env'].filter((name) => line.isGiven(name));
  const isOpen = listensOnEveryAddress(line.text('host') ?? '127.0.0.1') && !line.isGiven('allow-host');
  return [
    ...(given.length === 1 ? [] : ['--http requires either --token-file or --token-env.']),
    ...(isOpen ? ['--host with every address requires --allow-host: the names by which clients call the server.'] : []),
  ];
}

function httpOnlyProblems(line: CommandLine): string[] {
  return httpOptionNames.filter((name) => line.isGiven(name)).map((name) => `--${name} requires --http.`);
}

async function httpOptions(line: CommandLine): Promise<McpHttpOptions> {
  const file = line.path('token-file');
  const variable = line.text('token-env') ?? '';
  const token = file === undefined ? (process.env[variable] ?? '') : (await readFile(file, 'utf8')).trim();
  const hosts = line.texts('allow-host');
  // Checks the token before the store is opened, so that no empty store is created if the token is invalid.
  if (!isUsableToken(token)) {
    const place = file === undefined ? `the variable ${variable}` : file;
    throw new Error(
      `Invalid token in ${place}: expected at least ${minTokenLength} printable ASCII characters without spaces.`,
    );
  }
  return {
    token,
    allowedOrigins: line.texts('allow-origin'),
    ...defined({
      host: line.text('host'),
      port: line.number('port'),
      allowedHosts: hosts.length === 0 ? undefined : hosts,
    }),
  };
}

/** Returns the handle for the clients. Adds the rule of `--allow` if the principal does not have that role yet. */
async function clientHandle(store: CommandStore, line: CommandLine): Promise<MemoryHandle> {
  const principal = principalOf(line) as Principal;
  const namespace = namespaceOption(line);
  const role = line.text('allow') as keyof typeof roleActions | undefined;
  if (role !== undefined) {
    const { access } = store.admin;
    const place = namespace ?? [];
    const { allowed } = await access.explain({ principal, action: roleActions[role], namespace: place });
    const { onBehalfOf: _, ...party } = principal;
    if (!allowed) await access.allow(party as Subject, role, place);
  }
  return store.as(principal, defined({ namespace }));
}

/**
 * Waits until the server is closed. Closes it when the command is interrupted, or when the program that started this process ends:
 * another process may keep the input open, and this one would then hold the folder for ever.
 */
async function untilClosed(server: { closed: Promise<void>; close(): Promise<void> }, { signal }: Terminal) {
  const close = () => void server.close();
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  const watching = new AbortController();
  void parentEnd(watching.signal).then(close);
  await server.closed;
  watching.abort();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
