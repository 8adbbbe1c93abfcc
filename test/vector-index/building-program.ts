// A program of build-process.slow.test.ts: prints the process id of the index builder that it has started, and then only waits.
import type { ChildProcess } from 'node:child_process';
import { filledSource, openStore } from './indexed-store';

const { indexer } = openStore(process.argv[2] as string, filledSource());
await indexer.start();
const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): object[] };
const pidOf = () => handles().find((handle): handle is ChildProcess => 'spawnfile' in handle)?.pid;
while (pidOf() === undefined) await new Promise((resolve) => setImmediate(resolve));
console.log(pidOf());
// Holds the event loop, so that the build cannot end before this process is killed.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
