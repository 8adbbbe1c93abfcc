import { attempt, everything, look, type Notes } from './asking';
import type { Cast } from './cast';
import type { Deed } from './deeds';
import { doHidden, doSeen } from './doing';
import type { Library } from './library';
import { type Caution, type Sizes, Stage } from './stage';
import { Listener, told } from './told';

/** A difference between two worlds that the reader can see. */
export interface Difference {
  /** The position of the difference: the deed, and the number of the answer after it. */
  readonly at: string;
  readonly alone: string | undefined;
  readonly beside: string | undefined;
}

/** All answers that a reader got, in the order of the script. */
interface Story {
  readonly moments: readonly (readonly [string, readonly string[]])[];
  readonly recheckRejected: number;
}

/** Runs a script in a world without the hidden deeds and in a world with them, and compares all answers to the reader. */
export async function compare(
  library: Library,
  cast: Cast,
  script: readonly Deed[],
  sizes: Sizes,
  caution: Caution,
): Promise<Difference | undefined> {
  const [alone, beside] = [
    await live(library, cast, script, sizes, caution, false),
    await live(library, cast, script, sizes, caution, true),
  ];
  for (const [i, [moment, answers]] of alone.moments.entries()) {
    const others = beside.moments[i]?.[1] ?? [];
    for (let n = 0; n < Math.max(answers.length, others.length); n++) {
      if (answers[n] !== others[n]) return { at: `${moment}, answer ${n}`, alone: answers[n], beside: others[n] };
    }
  }
  const rejected = alone.recheckRejected + beside.recheckRejected;
  if (rejected > 0) return { at: 'recheckRejected', alone: '0', beside: String(rejected) };
  return undefined;
}

async function live(
  library: Library,
  cast: Cast,
  script: readonly Deed[],
  sizes: Sizes,
  caution: Caution,
  beside: boolean,
): Promise<Story> {
  const stage = await Stage.open(library, cast, sizes, caution);
  // An auditor sees who wrote what is forgotten.
  if (caution.retention && beside && !cast.audits && library.sweeps !== true) await stage.rememberOld(cast);
  const moments: [string, readonly string[]][] = [];
  const notes: Notes = {};
  const listener = new Listener(stage.reader, 'start', stage.turns);
  for (const [i, deed] of script.entries()) {
    stage.begin(i + 1, !deed.seen);
    if (deed.seen) moments.push([`deed ${i} (${deed.kind})`, await happen(stage, cast, deed, notes, beside)]);
    else if (beside) await told(() => doHidden(stage, deed, cast));
    if (deed.seen) moments.push([`after deed ${i}`, [await told(() => listener.heard())]]);
  }
  stage.begin(script.length + 100, false);
  // The host, which sees everything, searches first. The results must not stay in a cache for the reader.
  if (beside && !cast.audits) await stage.store.admin.recall('apple banana', { topK: 100 });
  moments.push(['the end', await everything(stage, cast)]);
  const { recheckRejected } = await stage.store.stats();
  await listener.close();
  await stage.store.close();
  return { moments, recheckRejected };
}

async function happen(
  stage: Stage,
  cast: Cast,
  deed: Deed & { seen: true },
  notes: Notes,
  beside: boolean,
): Promise<string[]> {
  if (deed.kind === 'look') return look(stage, deed.look, notes);
  if (deed.kind === 'try') return attempt(stage, cast, deed);
  const answer = await told(() => doSeen(stage, deed, beside));
  const isHeard = deed.byReader && deed.kind !== 'close' && deed.kind !== 'supersede-unseen';
  return isHeard ? [answer] : [];
}
