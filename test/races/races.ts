import { Random } from '../faults/random';
import type { Library } from '../worlds/library';
import { Arena } from './arena';
import { interleave } from './interleaving';

const perArena = 20;
// Few arenas are in a folder, because each commit there waits for the disk.
const folderEvery = 25;

/** Runs this number of interleavings (random orders of calls). Throws at the first in which a revocation had no effect. */
export async function runRaces(
  library: Library,
  {
    interleavings,
    seed,
    inFolders = true,
    onRace,
  }: { interleavings: number; seed: number; inFolders?: boolean; onRace?: () => void },
): Promise<void> {
  for (let n = 0; n < interleavings; ) {
    const isInFolder = inFolders && (n / perArena) % folderEvery === 1;
    const arena = await (isInFolder
      ? Arena.inFolder(library)
      : Arena.inMemory(library, (n / perArena) % 2 === 0 ? 'batched' : 'durable'));
    try {
      for (let i = 0; i < perArena && n < interleavings; i++, n++) {
        await interleave(arena, new Random(seed, n), n).catch((error) => {
          throw new Error(`Interleaving ${n} of seed ${seed}: ${error.message}`, { cause: error });
        });
        onRace?.();
      }
    } catch (error) {
      await arena.close().catch(() => undefined);
      throw error;
    }
    await arena.close();
  }
}
