import { mkdtempSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { allow, MemoryStore } from '../../src/index';

const sources = fileURLToPath(new URL('../../src', import.meta.url));

/** The source files, and functions in them, that ran during one warm call. */
export interface CallPath {
  readonly files: readonly string[];
  readonly functions: number;
}

/** Runs one warm `remember` and one warm `recall` of a small store and reports what each ran. */
export async function measureCallPaths(): Promise<{ remember: CallPath; recall: CallPath }> {
  const folder = mkdtempSync(join(tmpdir(), 'call-path-'));
  const store = await MemoryStore.open(folder, { access: [allow('everyone', 'curator', ['team'])] });
  try {
    const handle = store.as({ agentId: 'a' }, { namespace: ['team'] });
    // Warm: statements are prepared, caches filled, and code that runs once has run.
    for (let i = 0; i < 20; i++) {
      await handle.remember(`Customer ${i} prefers to be called in the morning.`, { userId: `u-${i}`, tags: ['call'] });
      await handle.recall('when should we call the customer?', { topK: 3 });
    }
    const remember = await shortest((i) => handle.remember(`Customer ${i} wants e-mail only.`, { userId: `u-${i}` }));
    await handle.recall('how does customer 98 want to be reached?', { topK: 3 });
    const recall = await shortest((i) => handle.recall(`how does customer ${i} want to be reached?`, { topK: 3 }));
    return { remember, recall };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

/** Background work that happens to run during a call would count, too. So the shortest of a few paths is taken. */
async function shortest(call: (number: number) => Promise<unknown>): Promise<CallPath> {
  const paths: CallPath[] = [];
  for (let i = 99; i < 104; i++) paths.push(await callPath(() => call(i)));
  return paths.reduce((a, b) => (b.files.length < a.files.length ? b : a));
}

async function callPath(call: () => Promise<unknown>): Promise<CallPath> {
  const session = new Session();
  session.connect();
  const post = <T>(method: string, params?: object): Promise<T> =>
    new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => (error ? reject(error) : resolve(result as T)));
    });
  await post('Profiler.enable');
  await post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await call();
  const { result } = await post<{ result: readonly ScriptCoverage[] }>('Profiler.takePreciseCoverage');
  await post('Profiler.stopPreciseCoverage');
  session.disconnect();
  const root = pathToFileURL(sources).href;
  const ran = result
    .filter(({ url }) => url.startsWith(root))
    .map(({ url, functions }) => ({ file: fileNameOf(url), count: functions.filter(hasRun).length }))
    .filter(({ count }) => count > 0);
  return { files: ran.map(({ file }) => file).sort(), functions: ran.reduce((sum, { count }) => sum + count, 0) };
}

function hasRun({ ranges }: ScriptCoverage['functions'][number]): boolean {
  return (ranges[0]?.count ?? 0) > 0;
}

function fileNameOf(url: string): string {
  const [withoutQuery] = url.split('?');
  return relative(sources, fileURLToPath(withoutQuery as string)).replaceAll('\\', '/');
}
