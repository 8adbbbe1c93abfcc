import { readFile } from 'node:fs/promises';
import type { MemoryHandle, Principal, Subject } from '../../index';
import type { McpHttpOptions } from '../../integrations/mcp';
import type { Command } from '../command';
import type { CommandLine } from '../command-line';
import { isNamespace, oneOf, whole } from '../option-checks';
import { principalOf, principalOptions } from '../principal-options';
import { namespaceOf } from '../selection-options';
import { type CommandStore, embedderOptions, writing } from '../store';
import { done, failed, type Terminal } from '../terminal';

const httpOptions = ['port', 'host', 'allow-host', 'allow-origin', 'token-file', 'token-env'];

/** What `--allow` lets the principal do, by an action that it then may do. */
const grants = { reader: 'read', writer: 'write' } as const;

/** `mcp`: a server for MCP clients. */
export const mcp: Command = {
  summary:
    'Serves the memories that one agent, user or service may use to MCP clients; needs @modelcontextprotocol/sdk.',
  usage: 'FOLDER',
  takes: [1, 1],
  options: {
    ...principalOptions,
    agent: { value: 'ID', help: 'act as this agent; one of --agent, --user and --service is needed' },
    namespace: { value: 'PATH', help: 'only there and below', check: isNamespace },
    allow: {
      value: 'ROLE',
      help: 'reader or writer: allows it that, there and below, where no rule does; stays when this ends',
      check: oneOf(...Object.keys(grants)),
    },
    http: { help: 'over streamable HTTP; default: over standard input and output, to the client that started it' },
    port: { value: 'N', help: 'default: one that is free, told on standard error', check: whole(0, 65_535) },
    host: { value: 'ADDRESS', help: 'where it listens; default: 127.0.0.1, this machine alone' },
    'allow-host': {
      value: 'NAME',
      many: true,
      help: 'a name by which clients call it; needed where it is every address',
    },
    'allow-origin': { value: 'URL', many: true, help: 'a web page that may call it; default: none' },
    'token-file': { value: 'FILE', help: 'holds the token that clients bring, 16 characters or more' },
    'token-env': { value: 'NAME', help: 'the environment variable that holds it' },
    ...embedderOptions,
  },
  examples: [
    ['mcp ./memory --agent=assistant --namespace=notes --allow=writer', 'as a client starts it'],
    ['mcp ./memory --agent=assistant --http --port=8787 --token-file=./token', 'for clients that bring the token'],
  ],
  problems: (line) => [
    ...(principalOf(line) === undefined ? ['It needs --agent, --user or --service: who acts for its clients.'] : []),
    ...(line.has('http') ? tokenProblems(line) : withoutHttp(line)),
  ],
  run: async (line, terminal) => {
    const served = await import('../../integrations/mcp').catch((error: NodeJS.ErrnoException) => {
      if (!/MODULE_NOT_FOUND$/.test(error.code ?? '')) throw error;
      terminal.tell(`The SDK of MCP is missing: npm install @modelcontextprotocol/sdk. (${error.message})`);
    });
    if (served === undefined) return failed;
    const http = line.has('http') ? await httpOf(line) : undefined;
    const onError = (error: unknown) => terminal.tell(String(error));
    return writing(
      line,
      terminal,
      async (store) => {
        const handle = await handleOf(store, line);
        if (http === undefined) await untilClosed(await served.serveStdio(handle, { onError }), terminal);
        else {
          await using server = await served.serveHttp(handle, { ...http, onError });
          terminal.tell(`Listening at ${server.url}`);
          await aborted(terminal.signal);
        }
        return done;
      },
      { isNew: true, waitMs: 5_000 },
    );
  },
};

function tokenProblems(line: CommandLine): string[] {
  const given = ['token-file', 'token-env'].filter((name) => line.isGiven(name));
  return given.length === 1 ? [] : ['--http needs one of --token-file and --token-env.'];
}

function withoutHttp(line: CommandLine): string[] {
  return httpOptions.filter((name) => line.isGiven(name)).map((name) => `--${name} goes with --http.`);
}

async function httpOf(line: CommandLine): Promise<McpHttpOptions> {
  const [file, variable, host] = ['token-file', 'token-env', 'host'].map((name) => line.text(name));
  const port = line.number('port');
  const [hosts, origins] = [line.all('allow-host'), line.all('allow-origin')];
  const token = file === undefined ? (process.env[variable ?? ''] ?? '') : (await readFile(file, 'utf8')).trim();
  return {
    token,
    allowedOrigins: origins,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(hosts.length === 0 ? {} : { allowedHosts: hosts }),
  };
}

/** The handle that clients act through, allowed what the host says. */
async function handleOf(store: CommandStore, line: CommandLine): Promise<MemoryHandle> {
  const principal = principalOf(line) as Principal;
  const text = line.text('namespace');
  const namespace = text === undefined ? [] : namespaceOf(text);
  const role = line.text('allow') as keyof typeof grants | undefined;
  if (role !== undefined) {
    const { access } = store.admin;
    const { allowed } = await access.explain({ principal, action: grants[role], namespace });
    const { onBehalfOf: _, ...party } = principal;
    if (!allowed) await access.allow(party as Subject, role, namespace);
  }
  return text === undefined ? store.as(principal) : store.as(principal, { namespace });
}

async function untilClosed(serving: { closed: Promise<void>; close(): Promise<void> }, { signal }: Terminal) {
  const close = () => void serving.close();
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  await serving.closed;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
